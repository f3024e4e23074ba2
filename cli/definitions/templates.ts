// `gantry templates`: which templates apps can be created from, and pushing those that ship with Gantry.

import { setTimeout } from "node:timers/promises";
import { type TemplatesView, templatesView } from "@gantry/wire/agent/templates.ts";
import { taskView } from "@gantry/wire/agent/views.ts";
import type { PortalClient } from "../client.ts";
import { EXIT } from "../line/exit-codes.ts";
import { textTable } from "../print/text-table.ts";
import type { Call, Outcome } from "../table/command.ts";
import { continues } from "../task/follow-task.ts";

type Where = { readonly project: string | undefined; readonly system: string | undefined };
type ListFlags = Where & { readonly last: boolean };
type PushFlags = Where & { readonly force: boolean };

const ADDRESS = "/v1/templates";
const ASK_AGAIN_MS = 500;

export async function listTemplates(call: Call<ListFlags>): Promise<Outcome | number> {
  const { last, ...where } = call.flags;
  if (last) return listed(await call.portal().get(ADDRESS, templatesView));
  return runTask(call, "read", wanted(where), listed);
}

export async function pushTemplates(call: Call<PushFlags, readonly [readonly string[]]>): Promise<Outcome | number> {
  const { force, ...where } = call.flags;
  const templates = call.args[0].length === 0 ? {} : { templates: call.args[0] };
  return runTask(call, "push", { ...wanted(where), ...templates, force }, pushed);
}

function wanted({ project, system }: Where): object {
  return { ...(project === undefined ? {} : { project }), ...(system === undefined ? {} : { system }) };
}

/** Starts a task, and waits until its result is known. */
async function runTask(
  { portal: open, io, json }: Pick<Call, "portal" | "io" | "json">,
  what: "read" | "push",
  body: object,
  outcomeOf: (view: TemplatesView) => Outcome,
): Promise<Outcome | number> {
  const { id } = await open().post(`${ADDRESS}/${what}`, body, taskView);
  if (!json) io.stdout(`Task ${id} ${what === "read" ? "reads" : "pushes"} the templates.\n`);
  const signal = io.interruption();
  try {
    return outcomeOf(await untilEnded(open(signal), signal));
  } catch (error) {
    if (!signal.aborted) throw error;
    io.stderr(continues(id));
    return EXIT.interrupted;
  }
}

async function untilEnded(portal: PortalClient, signal: AbortSignal): Promise<TemplatesView> {
  for (;;) {
    const view = await portal.get(ADDRESS, templatesView);
    if (view.task?.state !== "running") return view;
    await setTimeout(ASK_AGAIN_MS, undefined, { signal });
  }
}

const STATES = {
  same: "as it ships",
  older: "of another version: push it",
  changed: "changed by others",
  missing: "not there: push it",
  own: "your own",
} as const;

function listed(view: TemplatesView): Outcome {
  const { read } = view;
  const failure = problemOf(view);
  if (!read) return { value: view, text: `${failure}${unread(view)}\n`, code: EXIT.failed };
  const rows = read.templates.map(({ name, title, kind, state, problem }) => [
    name,
    kind,
    problem ?? STATES[state],
    title,
  ]);
  const table = textTable(["TEMPLATE", "KIND", "STATE", "TITLE"], rows);
  const isBroken = failure !== "" || read.templates.some(({ problem }) => problem !== undefined);
  const text = `${failure}Project ${read.project}, read at ${read.at}\n${table}`;
  return { value: view, text, code: isBroken ? EXIT.failed : EXIT.ok };
}

function unread({ project, task }: TemplatesView): string {
  if (project === undefined && task?.state === "succeeded")
    return "The clusters of the sites were read, and no templates: name their project with --project, or for all in params.yaml.";
  return "The templates have not been read yet.";
}

const CHANGES = {
  new: "new",
  changed: "changed",
  same: "same",
  kept: "kept: others have changed it; --force replaces it",
} as const;

function pushed(view: TemplatesView): Outcome {
  const rows = (view.task?.pushed ?? []).map(({ template, change, url }) => [template, CHANGES[change], url]);
  const table = rows.length === 0 ? "" : textTable(["TEMPLATE", "CHANGE", "REPOSITORY"], rows);
  const failure = problemOf(view);
  return { value: view.task ?? {}, text: `${table}${failure}`, code: failure === "" ? EXIT.ok : EXIT.failed };
}

function problemOf({ task }: TemplatesView): string {
  return task?.problem === undefined ? "" : `Task ${task.id} failed: ${task.problem}\n`;
}
