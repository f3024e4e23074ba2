// `gantry definitions`: which set of pipelines is in force, reading it from git now, and what a folder would change.

import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { SETTINGS_FILES } from "@gantry/core/definitions/set-files.ts";
import { type DefinitionSource, type DefinitionsView, definitionsView } from "@gantry/wire/agent/definitions.ts";
import { taskView } from "@gantry/wire/agent/views.ts";
import type { PortalClient } from "../client.ts";
import { EXIT } from "../line/exit-codes.ts";
import { textTable } from "../print/text-table.ts";
import type { Call, Outcome } from "../table/command.ts";
import { continues } from "../task/follow-task.ts";
import { readSetFolder } from "./set-folder.ts";

const ADDRESS = "/v1/definitions";
const ASK_AGAIN_MS = 500;

export async function definitionsStatus({ portal }: Call): Promise<Outcome> {
  return outcomeOf(await portal().get(ADDRESS, definitionsView));
}

/** Starts a task, and waits until its result is known. Ctrl-C leaves the task running. */
export async function syncDefinitions({ portal: open, io, json }: Call): Promise<Outcome | number> {
  const portal = open();
  const { id } = await portal.post(`${ADDRESS}/sync`, {}, taskView);
  if (!json) io.stdout(`Task ${id} reads the repository.\n`);
  const signal = io.interruption();
  try {
    return outcomeOf(await untilSynced(open(signal), signal));
  } catch (error) {
    if (!signal.aborted) throw error;
    io.stderr(continues(id));
    return EXIT.interrupted;
  }
}

async function untilSynced(portal: PortalClient, signal: AbortSignal): Promise<DefinitionsView> {
  for (;;) {
    const view = await portal.get(ADDRESS, definitionsView);
    // A later task includes what this one has found.
    if (view.sync?.state !== "running") return view;
    await setTimeout(ASK_AGAIN_MS, undefined, { signal });
  }
}

function outcomeOf(view: DefinitionsView): Outcome {
  const isNewest = !view.refused && view.sync?.state !== "failed";
  return { value: view, text: statusText(view), code: isNewest ? EXIT.ok : EXIT.failed };
}

export async function diffDefinitions({ portal, args: [folder] }: Call<object, readonly [string]>): Promise<Outcome> {
  const changes = differences(await usable(folder), await portal().get(ADDRESS, definitionsView));
  const text = changes.length === 0 ? "No difference.\n" : changes.map(changeLine).join("");
  return { value: changes, text, code: changes.length === 0 ? EXIT.ok : EXIT.failed };
}

/** What the task-agent would take of it. */
async function usable(folder: string): Promise<ReadonlyMap<string, string>> {
  const files = await readSetFolder(folder);
  const hasPipelines = [...files.keys()].some((file) => file.startsWith("pipelines/"));
  const counts = (file: string): boolean => !hasPipelines || file.includes("/") || SETTINGS_FILES.includes(file);
  return new Map([...files].filter(([file]) => file.endsWith(".yaml") && counts(file)));
}

type Change = { readonly file: string; readonly change: "added" | "changed" | "removed" };

/** By file: a version is the digest of one. Without rights to see the other files, only pipelines are compared. */
function differences(files: ReadonlyMap<string, string>, { inForce }: DefinitionsView): readonly Change[] {
  const pipelines = inForce.definitions.map(
    ({ name, file, version, digest }) => [file ?? `${name}.yaml`, digest ?? version] as const,
  );
  const others = inForce.files?.map(({ file, digest }) => [file, digest] as const) ?? [];
  const now = new Map([...pipelines, ...others]);
  const changes: Change[] = [];
  for (const [file, text] of files) {
    if (!inForce.files && !isPipeline(file)) continue;
    const version = now.get(file);
    const isSame = version === `sha256:${createHash("sha256").update(text).digest("hex")}`;
    if (!isSame) changes.push({ file, change: version === undefined ? "added" : "changed" });
  }
  const removed = [...now.keys()].filter((file) => !files.has(file));
  return [...changes, ...removed.map((file): Change => ({ file, change: "removed" }))];
}

function isPipeline(file: string): boolean {
  return file.includes("/") ? file.startsWith("pipelines/") : !SETTINGS_FILES.includes(file);
}

const MARKS = { added: "+", changed: "~", removed: "-" } as const;

function changeLine({ file, change }: Change): string {
  return `${MARKS[change]} ${file}  ${change}\n`;
}

function statusText({ inForce, notes = [], refused, sync }: DefinitionsView): string {
  const since = inForce.since === undefined ? "" : `, since ${inForce.since}`;
  const list = inForce.definitions.map(({ name, version, file = "" }) => [name, version.slice(0, 19), file]);
  const others = (inForce.files ?? []).map(({ file, digest }) => ["", digest.slice(0, 19), file]);
  const lines = [
    `In force: ${sourceText(inForce.source)}${since}\n\n`,
    textTable(["PIPELINE", "VERSION", "FILE"], [...list, ...others]),
    ...notes.map((note) => `\n${note}\n`),
  ];
  if (sync || refused) lines.push("\n");
  if (sync) {
    const { project, slug, branch } = sync.repository;
    const last = sync.task === undefined ? "not read yet" : `task ${sync.task}: ${sync.state}`;
    lines.push(`Repository: ${project}/${slug}, branch ${branch}, every ${sync.everySeconds} s; ${last}\n`);
    if (sync.problem !== undefined) lines.push(`  ${sync.problem}\n`);
  }
  if (refused) {
    const { commit, count, problems } = refused;
    const what = commit === undefined ? "The files of the folder" : `Commit ${commit.slice(0, 12)}`;
    lines.push(`Refused: ${what}, at ${refused.at}, because of ${count} ${count === 1 ? "mistake" : "mistakes"}:\n`);
    for (const { file, line, column, detail } of problems) {
      const place = [file, line, column].filter((part) => part !== undefined).join(":");
      lines.push(`  ${place === "" ? "" : `${place}  `}${detail}\n`);
    }
  }
  return lines.join("");
}

function sourceText(source: DefinitionSource | undefined): string {
  if (source === undefined) return "a set that you see in part";
  if (source.kind === "folder") return "the folder of the task-agent";
  const { project, slug, branch } = source.repository;
  return `commit ${source.commit.slice(0, 12)} of ${project}/${slug}, branch ${branch} (${source.subject})`;
}
