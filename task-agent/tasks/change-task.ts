// Creates and changes tasks: read → decide → commit, repeated when another writer committed first.

import { explain, GantryError } from "@gantry/core/errors.ts";
import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import type { Decision } from "@gantry/core/task/decision.ts";
import type { TaskEvent } from "@gantry/core/task/events.ts";
import { evolve, evolveAll } from "@gantry/core/task/evolve.ts";
import type { GateFacts } from "@gantry/core/task/gate.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import { settle } from "@gantry/core/task/settle.ts";
import type { Journal, StreamAppend } from "@gantry/journal/journal.ts";
import { buildAppend } from "../builds/build-stream.ts";
import { takenByOthers } from "./app-places.ts";
import { appAfter, buildAfter, creationRefused } from "./decide-app.ts";
import type { TaskRecord, TaskStore } from "./task-store.ts";
import { appStream, taskAppend } from "./task-stream.ts";

const MAX_CONFLICTS = 8;

/** Store time, milliseconds since 1970. */
export async function storeNow(journal: Pick<Journal, "now">): Promise<number> {
  return Math.floor((await journal.now({ recent: true })) / 1_000);
}

/**
 * Throws the decision's refusal, `not-found`, or `conflict` when other writers kept committing first. Calls for one task
 * must be made one after the other.
 */
export async function changeTask(
  store: TaskStore,
  id: string,
  decide: (task: TaskRecord, now: number, gates: GateFacts) => Decision,
): Promise<TaskRecord> {
  for (let round = 0; round < MAX_CONFLICTS; round += 1) {
    const cached = round === 0 ? store.cached(id) : undefined;
    const before = cached ?? (await store.loadLatest(id));
    if (!before) throw new GantryError("not-found", { kind: "task", name: id });
    const at = await storeNow(store.journal);
    const gates = store.gates();
    const decision = decide(before, at, gates);
    // A refusal and a decision without events make no commit, so no conflict would show that the cached record is old.
    const isUntested = decision.refuse !== undefined || decision.events.length === 0;
    if (store.isShared && cached && isUntested && (await store.loadLatest(id))?.version !== before.version) continue;
    if (decision.refuse) throw decision.refuse;
    if (decision.events.length === 0) return before;
    const { state, events } = fold(before, decision.events, at, gates);
    const record = { state, version: before.version + events.length, pipeline: before.pipeline };
    const app = state.phase === "ended" && before.state.phase !== "ended" ? await appEnded(store.journal, record) : [];
    // An agent that shares the journal keeps open tasks in its own file and must know the index entries of all it changes.
    const indexedState = store.isShared ? undefined : before.state;
    if (!(await store.commit([taskAppend(state, before.version, events, indexedState), ...app], id))) continue;
    store.notify(record, events, true);
    return record;
  }
  throw new GantryError("conflict", { what: `Task ${id}` });
}

/** Commits a new task together with other streams. Undefined when one of them was changed in the meantime. */
export async function createTask(
  store: TaskStore,
  pipeline: Pipeline,
  first: readonly TaskEvent[],
  alongside: (state: TaskState) => readonly StreamAppend[],
): Promise<TaskRecord | undefined> {
  const start = first.reduce<TaskState | undefined>(evolve, undefined);
  if (!start) throw new Error("a task begins with an event");
  const at = start.requestedAt;
  const events = [...first, ...settle(pipeline, start, at, store.gates())];
  const state = evolveAll(start, events.slice(first.length));
  const record = { state, version: events.length, pipeline };
  if (!(await store.commit([taskAppend(state, 0, events), ...alongside(state)], state.id))) return undefined;
  store.notify(record, events, true);
  return record;
}

function fold(
  before: TaskRecord,
  decided: readonly TaskEvent[],
  at: number,
  gates: GateFacts,
): { state: TaskState; events: TaskEvent[] } {
  const changed = evolveAll(before.state, decided);
  const follows = settle(before.pipeline, changed, at, gates);
  return { state: evolveAll(changed, follows), events: [...decided, ...follows] };
}

/** The end of a task changes its app in the same commit. */
async function appEnded(journal: Journal, task: TaskRecord): Promise<readonly StreamAppend[]> {
  if (task.state.app === undefined) return [];
  const loaded = await appStream.load(journal, task.state.app);
  const planned = loaded && appAfter(loaded.state, task);
  if (!planned) return [];
  const isNew = task.pipeline.app === "new" && planned.app.state === "ready";
  const taken = isNew ? await takenByOthers(journal, planned.app) : undefined;
  const change = taken ? creationRefused(planned, withoutOther(taken)) : planned;
  const build = buildAfter(change.app, task.state, task.pipeline);
  return [
    appStream.append(change.app.name, { expected: loaded.version, events: change.events, state: change.app }),
    ...(build && change.app.builds ? [buildAppend(change.app.builds.key, build)] : []),
  ];
}

/** Who sees this app need not see the other one. */
function withoutOther({ code, details: { other: _, ...details } }: GantryError): string {
  return explain(new GantryError(code, details)).message;
}
