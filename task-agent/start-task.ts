// A request for a task: read → decide → commit. The idempotency key is a stream of its own, so that two requests with
// the same key can never both start something, whichever process they reach.

import { createHash, randomBytes } from "node:crypto";
import { GantryError } from "@gantry/core/errors.ts";
import { renderText } from "@gantry/core/expr/template.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { checkParams } from "@gantry/core/pipeline/params.ts";
import type { TaskEvent } from "@gantry/core/task/events.ts";
import { taskTitle } from "@gantry/core/task/messages.ts";
import type { AppState, TaskState } from "@gantry/core/task/model.ts";
import type { Journal, StreamAppend } from "@gantry/journal/journal.ts";
import type { StartTask } from "@gantry/wire/agent-api.ts";
import { appRequested, appScope } from "./decide-app.ts";
import type { Definition, Definitions } from "./definitions.ts";
import { appCommit, appStream, type TaskRecord, type Tasks } from "./tasks.ts";

export type StartDeps = {
  readonly journal: Journal;
  readonly tasks: Tasks;
  readonly definitions: Definitions;
  readonly portalUrl: string;
};
export type Rerun = { readonly of: TaskState; readonly keep: boolean };

type KeyRecord = { readonly task: string; readonly fingerprint: string };

/** Starts a task, or gives the one that the same key started before. Durable when it resolves. */
export async function startTask(deps: StartDeps, wish: StartTask, rerun?: Rerun): Promise<TaskRecord> {
  const definition = deps.definitions.current(wish.pipeline);
  if (!definition) throw new GantryError("pipeline-unknown", { pipeline: wish.pipeline });
  const keyStream = `key/${digest([wish.principal, wish.idempotencyKey])}`;
  const fingerprint = digest([wish.pipeline, wish.app ?? null, wish.params, rerun?.of.id ?? null, rerun?.keep ?? null]);
  for (let round = 0; round < 8; round += 1) {
    const before = await deps.journal.load(keyStream);
    if (before) return replay(deps, before.snapshot as unknown as KeyRecord, fingerprint);
    const at = await deps.tasks.now();
    const id = newTaskId(at);
    const name = appName(definition, wish);
    const loaded = name === undefined ? undefined : await deps.journal.load(appStream(name));
    const app = loaded?.snapshot as unknown as AppState | undefined;
    const place = await placeInGroup(deps, definition, wish, app, id);
    const decided = decideStart({
      definition,
      wish,
      app,
      name,
      at,
      id,
      url: `${deps.portalUrl}/tasks/${id}`,
      rerun,
      group: place.group,
      behind: place.behind,
    });
    if (decided instanceof GantryError) throw decided;
    const beside = (state: TaskState): StreamAppend[] => [
      { stream: keyStream, expected: 0, events: [], snapshot: { task: state.id, fingerprint } },
      ...(place.queue ? [place.queue] : []),
      ...(decided.app ? [appCommit(decided.app, loaded?.version ?? 0, decided.appEvents)] : []),
    ];
    const record = await deps.tasks.create(definition.pipeline, decided.events, beside);
    if (record) return record;
  }
  throw new GantryError("conflict", { what: `App ${wish.app ?? ""}` });
}

type Facts = {
  readonly definition: Definition;
  readonly wish: StartTask;
  readonly app: AppState | undefined;
  readonly name: string | undefined;
  readonly at: number;
  readonly id: string;
  readonly url: string;
  readonly rerun: Rerun | undefined;
  readonly group: string | undefined;
  readonly behind: string | undefined;
};

type Started = {
  readonly events: readonly TaskEvent[];
  readonly app: AppState | undefined;
  readonly appEvents: readonly JsonObject[];
};

/** Pure: what a request becomes, or why it is refused. */
export function decideStart(facts: Facts): Started | GantryError {
  const { definition, wish, name, at, id } = facts;
  const { pipeline } = definition;
  const scope = appScope(facts.app);
  const taskFacts = { id, url: facts.url, requestedBy: wish.principal };
  const checked = checkParams(pipeline.params, wish.params, { app: scope, task: taskFacts });
  if (checked.problems.length > 0) {
    const problem = checked.problems.map((one) => `${one.pointer ?? ""} ${one.detail}`.trim()).join("; ");
    return new GantryError("bad-params", { pipeline: pipeline.name, problem }, { problems: checked.problems });
  }
  if (pipeline.app !== "none" && name === undefined)
    return new GantryError("bad-request", { problem: "the app is missing" });
  const change =
    name === undefined || pipeline.app === "none"
      ? undefined
      : appRequested(pipeline, facts.app, { id, app: name, by: wish.principal, at, rerun: facts.rerun !== undefined });
  if (change instanceof GantryError) return change;
  const event: TaskEvent = {
    kind: "TaskRequested",
    at,
    task: id,
    pipeline: pipeline.name,
    definition: definition.version,
    title: taskTitle(pipeline.button, name),
    ...(name === undefined ? {} : { app: name }),
    appScope: pipeline.app === "new" ? { name: name ?? "" } : scope,
    params: checked.params,
    requestedBy: wish.principal,
    url: facts.url,
    ...(facts.rerun ? { rerunOf: facts.rerun.of.id, kept: facts.rerun.keep ? keptJobs(facts.rerun.of) : {} } : {}),
    ...(facts.group === undefined ? {} : { group: facts.group }),
    ...(facts.behind === undefined ? {} : { behind: facts.behind }),
  };
  return { events: [event], app: change?.app, appEvents: change?.events ?? [] };
}

/** Parameters of a new task like an older one. */
export function rerunWish(of: TaskState, principal: string, idempotencyKey: string): StartTask {
  return {
    pipeline: of.pipeline,
    ...(of.app === undefined ? {} : { app: of.app }),
    params: of.params as StartTask["params"],
    principal,
    idempotencyKey,
  };
}

function keptJobs(of: TaskState): NonNullable<Extract<TaskEvent, { kind: "TaskRequested" }>["kept"]> {
  const kept = Object.values(of.jobs).filter((job) => job.outcome === "succeeded" && !job.final);
  return Object.fromEntries(
    kept.map((job) => [
      job.key,
      { outputs: job.outputs, steps: job.steps.map((step) => ({ id: step.id, outputs: step.outputs })) },
    ]),
  );
}

function appName({ pipeline }: Definition, wish: StartTask): string | undefined {
  if (pipeline.app === "none") return undefined;
  if (pipeline.app === "existing") return wish.app;
  const name = wish.params.name;
  return typeof name === "string" ? name : wish.app;
}

type Place = {
  readonly group: string | undefined;
  readonly behind: string | undefined;
  readonly queue: StreamAppend | undefined;
};

/** Tasks of one group run one after the other: each waits for the one that was requested before it. */
async function placeInGroup(
  deps: StartDeps,
  { pipeline }: Definition,
  wish: StartTask,
  app: AppState | undefined,
  id: string,
): Promise<Place> {
  if (!pipeline.concurrency) return { group: undefined, behind: undefined, queue: undefined };
  const group = renderText(pipeline.concurrency.group, { params: wish.params, app: appScope(app) });
  const stream = `group/${digest(group)}`;
  const loaded = await deps.journal.load(stream);
  const last = (loaded?.snapshot as { last?: string } | undefined)?.last;
  const before = last === undefined ? undefined : await deps.tasks.read(last);
  // The event makes the version grow: of two requests at the same time, one has to look again.
  const queue = {
    stream,
    expected: loaded?.version ?? 0,
    events: [{ kind: "GroupJoined", task: id }],
    snapshot: { group, last: id },
  };
  return { group, behind: before && before.state.phase !== "ended" ? before.state.id : undefined, queue };
}

async function replay(deps: StartDeps, known: KeyRecord, fingerprint: string): Promise<TaskRecord> {
  if (known.fingerprint !== fingerprint) throw new GantryError("idempotency-key-reused");
  const record = await deps.tasks.read(known.task);
  if (!record) throw new Error(`task ${known.task} of a known key is not in the journal`);
  return record;
}

/** Sorts by time; 50 bits of chance make it hard to guess and impossible to meet twice. */
function newTaskId(at: number): string {
  return `t${at.toString(36).padStart(9, "0")}${BigInt(`0x${randomBytes(7).toString("hex")}`)
    .toString(36)
    .padStart(11, "0")
    .slice(-10)}`;
}

function digest(value: JsonValue): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(value)))
    .digest("hex");
}

/** Equal requests have equal fingerprints, whatever the order of their keys. */
function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
