// `gantry ci`, `cd`, `app create` and `pipeline run`: the buttons of the portal.

import { randomUUID } from "node:crypto";
import { GantryError } from "@gantry/core/errors.ts";
import { type TemplatesView, templatesView } from "@gantry/wire/agent/templates.ts";
import { type TaskView, taskView } from "@gantry/wire/agent/views.ts";
import { readParams } from "../params.ts";
import { type Call, type Context, type Outcome, UsageError } from "../table/command.ts";
import { createHints } from "./create-hints.ts";
import { followTask } from "./follow-task.ts";

type Common = {
  readonly param: readonly string[];
  readonly follow: boolean;
  /** Absent of commands without the flag. */
  readonly callback?: string | undefined;
};
type OfApp<V> = Call<Common & V, readonly [app: string]>;

export function runCi(call: OfApp<{ readonly ref: string | undefined }>): Promise<Outcome | number> {
  const { ref, param } = call.flags;
  const params = { ...(ref === undefined ? {} : { ref }), ...readParams(param, call.io) };
  return start(call, `/v1/apps/${encodeURIComponent(call.args[0])}/ci`, { params });
}

export function runCd(
  call: OfApp<{
    readonly build: string | undefined;
    readonly target: readonly string[];
    readonly plan: readonly string[];
    readonly "override-reason": string | undefined;
  }>,
): Promise<Outcome | number> {
  const { build, target, plan, "override-reason": reason, param } = call.flags;
  if (build !== undefined && !/^#?\d{1,9}$|^sha256:/.test(build))
    throw new UsageError(`--build ${build}: use the number of a build, as \`gantry build list\` shows it`);
  const params = {
    ...(build === undefined ? {} : { build }),
    ...(target.length === 0 ? {} : { targets: target }),
    ...(plan.length === 0 ? {} : { plan }),
    ...readParams(param, call.io),
  };
  const override = reason === undefined ? {} : { override: { reason } };
  return start(call, `/v1/apps/${encodeURIComponent(call.args[0])}/cd`, { params, ...override });
}

type CreateFlags = {
  readonly title: string | undefined;
  readonly "jira-key": string | undefined;
  readonly template: string | undefined;
  readonly set: readonly string[];
  readonly target: readonly string[];
};

export async function createApp(call: OfApp<CreateFlags>): Promise<Outcome | number> {
  const [name] = call.args;
  const { title = name, "jira-key": jiraKey, template, set, target, param } = call.flags;
  const params = {
    ...{ name, title },
    ...(jiraKey === undefined ? {} : { jiraKey }),
    ...(template === undefined ? {} : { template }),
    ...(set.length === 0 ? {} : { templateParams: set }),
    ...(target.length === 0 ? {} : { targets: target }),
    ...readParams(param, call.io),
  };
  const isNamed = template !== undefined || set.length > 0 || target.length > 0;
  const known = isNamed ? await call.portal().get("/v1/templates", templatesView).catch(ifOlder) : {};
  for (const hint of createHints(known, { template, set, target })) call.io.stderr(`${hint}\n`);
  return start(call, "/v1/apps", { params });
}

/** A portal of an older version has no list: the request is sent without hints. */
function ifOlder(error: unknown): TemplatesView {
  if (error instanceof GantryError && error.code === "not-found") return {};
  throw error;
}

type EachFlags = {
  readonly each: string | undefined;
  readonly "max-parallel": string | undefined;
  readonly "stop-on-failure": boolean;
};

export function runPipeline(
  call: Call<Common & EachFlags & { readonly app: string | undefined }, readonly [pipeline: string]>,
): Promise<Outcome | number> {
  const { app, param } = call.flags;
  const fanOut = fanOutOf(call.flags, call.io);
  const about = {
    pipeline: call.args[0],
    ...(app === undefined ? {} : { app }),
    ...(fanOut === undefined ? {} : { fanOut }),
  };
  return start(call, "/v1/tasks", { ...about, params: readParams(param, call.io) });
}

/** Throws UsageError. */
function fanOutOf(
  { each, "max-parallel": max, "stop-on-failure": stop }: EachFlags,
  io: Context["io"],
): object | undefined {
  if (each === undefined) {
    if (max === undefined && !stop) return undefined;
    throw new UsageError("--max-parallel and --stop-on-failure belong to --each");
  }
  const [, name = "", values = ""] = /^([^=]+)=(.+)$/.exec(each) ?? [];
  if (name === "") throw new UsageError(`--each ${each}: write a parameter and its values, as in site=seoul,tokyo`);
  if (max !== undefined && !/^[1-9]\d{0,2}$/.test(max))
    throw new UsageError(`--max-parallel ${max}: use a number from 1 to 256`);
  return {
    ...{ param: name, values: values.split(",").map((value) => readParams([`value=${value.trim()}`], io).value) },
    ...(max === undefined ? {} : { maxParallel: Number(max) }),
    ...(stop ? { stopOnFailure: true } : {}),
  };
}

type Starting = Context & { readonly flags: { readonly follow: boolean; readonly callback?: string | undefined } };

async function start(call: Starting, path: string, body: object): Promise<Outcome | number> {
  const portal = call.portal();
  const { callback: url } = call.flags;
  const asked = url === undefined ? body : { ...body, callback: { url } };
  return startedTask(call, await portal.post(path, asked, taskView, randomUUID()), portal.url);
}

/** Follows a task that was just started, or says how to. */
export async function startedTask(call: Starting, task: TaskView, url: string): Promise<Outcome | number> {
  for (const warning of task.warnings ?? []) call.io.stderr(`Warning: ${warning}\n`);
  if (call.flags.follow) return followTask(call, task);
  const text = `→ ${task.title}   ${task.id}\n  ${url}/tasks/${task.id}\n  Follow it: gantry task watch ${task.id}\n`;
  return { value: task, text };
}
