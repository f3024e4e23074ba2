// Every change of a task goes through here: read → decide → commit, and again when somebody else was faster.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import { jobDefinition } from "@gantry/core/task/decide-lease.ts";
import type { Decision } from "@gantry/core/task/decision.ts";
import type { TaskEvent } from "@gantry/core/task/events.ts";
import { evolve } from "@gantry/core/task/evolve.ts";
import type { AppState, TaskState } from "@gantry/core/task/model.ts";
import { settle } from "@gantry/core/task/settle.ts";
import type { Journal, JournalEvent, StreamAppend } from "@gantry/journal/journal.ts";
import { appAfter } from "./decide-app.ts";
import type { Definitions } from "./definitions.ts";
import { serialize } from "./serialize.ts";

export type TaskRecord = { readonly state: TaskState; readonly version: number; readonly pipeline: Pipeline };
/**
 * Hears of every committed change, in the order of commits per task. Must not throw; must not wait. `mine`: it was
 * committed by this agent. Where the change of another agent is met by chance, before its events have come, there are no
 * events, and none come later.
 */
export type TaskListener = (after: TaskRecord, events: readonly TaskEvent[], mine: boolean) => void;

export type Tasks = {
  readonly read: (id: string) => Promise<TaskRecord | undefined>;
  /** As it was seen last, perhaps long ago: for what a commit tests anyway. Undefined: look for yourself. */
  readonly remembered: (id: string) => TaskRecord | undefined;
  /** At least as new as this version of it, perhaps newer: for what does not change any more, without asking the store. */
  readonly readSince: (id: string, version: number) => Promise<TaskRecord | undefined>;
  /** Throws what the decision refuses, or `not-found`. Concurrent changes of one task are done one after the other. */
  readonly change: (id: string, decide: (task: TaskRecord, now: number) => Decision) => Promise<TaskRecord>;
  /** Commits a new task together with other streams; false when one of them was changed meanwhile. */
  readonly create: (
    pipeline: Pipeline,
    events: readonly TaskEvent[],
    beside: (state: TaskState) => readonly StreamAppend[],
  ) => Promise<TaskRecord | undefined>;
  /** Writes the index entries of an ended task anew: an older version of Gantry did not make all of them. */
  readonly reindex: (id: string) => Promise<void>;
  /** The task was removed from the journal. */
  readonly forget: (id: string) => void;
  readonly now: () => Promise<number>;
  readonly listen: (listener: TaskListener) => void;
  /**
   * Looks at the tasks whose last commit was not answered, and tells the listeners how they stand: it may have been done.
   * Rejects when the journal still fails; those tasks are looked at the next time.
   */
  readonly recheck: () => Promise<void>;
  /** Tells the listeners of events that another agent has committed; does nothing for our own. */
  readonly tellOfOthers: (events: readonly JournalEvent[]) => Promise<void>;
};

const MAX_CACHED = 2_000;
const MAX_CONFLICTS = 8;

/** `shared`: other agents change tasks in the same journal, so what is remembered may be old. */
export function openTasks(journal: Journal, definitions: Definitions, { shared = false } = {}): Tasks {
  const cache = new Map<string, TaskRecord>();
  /** The version of each task that the listeners have heard of; only kept when the journal is shared. */
  const told = new Map<string, number>();
  const turns = new Map<string, Promise<unknown>>();
  const doubtful = new Set<string>();
  const listeners: TaskListener[] = [];

  const remember = (record: TaskRecord): void => {
    cache.delete(record.state.id);
    cache.set(record.state.id, record);
    const oldest = cache.keys().next().value;
    if (cache.size > MAX_CACHED && oldest !== undefined) {
      cache.delete(oldest);
      told.delete(oldest);
    }
  };

  const tell = (record: TaskRecord, events: readonly TaskEvent[], mine: boolean): void => {
    remember(record);
    if (shared) told.set(record.state.id, record.version);
    for (const listener of listeners) listener(record, events, mine);
  };

  const load = async (id: string): Promise<TaskRecord | undefined> => {
    const loaded = await journal.load(taskStream(id));
    if (!loaded) return undefined;
    const state = loaded.snapshot as unknown as TaskState;
    const record = { state, version: loaded.version, pipeline: await definitions.pinned(state.definition) };
    remember(record);
    return record;
  };

  /** What is read of a shared journal may be news: the listeners must know of it before it is used. */
  const catchUp = async (id: string): Promise<TaskRecord | undefined> => {
    const record = await load(id);
    const known = told.get(id) ?? (record?.state.phase === "ended" ? record.version : 0);
    if (record && record.version > known) tell(record, [], false);
    return record;
  };
  const read = async (id: string): Promise<TaskRecord | undefined> => {
    if (shared) return serialize(turns, id, () => catchUp(id));
    return cache.get(id) ?? (await load(id));
  };
  /** What a change begins with: who refuses it because of another agent's change must not go on offering what that took. */
  const look = shared ? catchUp : load;
  const now = async (): Promise<number> => Math.floor((await journal.now({ recent: true })) / 1_000);

  const change = async (id: string, decide: (task: TaskRecord, now: number) => Decision): Promise<TaskRecord> => {
    for (let round = 0; round < MAX_CONFLICTS; round += 1) {
      const remembered = round === 0 ? cache.get(id) : undefined;
      const before = remembered ?? (await look(id));
      if (!before) throw new GantryError("not-found", { kind: "task", name: id });
      const at = await now();
      const decision = decide(before, at);
      // A refusal, and nothing to do, meet no conflict that would tell that the task has moved on.
      const untested = decision.refuse !== undefined || decision.events.length === 0;
      if (shared && remembered && untested && (await look(id))?.version !== before.version) continue;
      if (decision.refuse) throw decision.refuse;
      if (decision.events.length === 0) return before;
      const { state, events } = fold(before, decision.events, at);
      const record = { state, version: before.version + events.length, pipeline: before.pipeline };
      const app = state.phase === "ended" && before.state.phase !== "ended" ? await appAppend(journal, record) : [];
      // Who shares the journal keeps open tasks in a file of its own and must know the entries of all that it changes.
      const same = shared ? undefined : before.state;
      const answer = await commit([append(state, before.version, events, same), ...app], id);
      if (!answer) continue;
      tell(record, events, true);
      return record;
    }
    throw new GantryError("conflict", { what: `Task ${id}` });
  };

  const commit = async (batch: readonly StreamAppend[], id: string): Promise<boolean> => {
    try {
      return (await journal.append(batch)).ok;
    } catch (error) {
      // Nobody knows whether it was committed: the next reader loads, and the listeners hear of it by `recheck`.
      cache.delete(id);
      doubtful.add(id);
      throw error;
    }
  };

  const tellOf = async (id: string, events: readonly JournalEvent[]): Promise<void> => {
    const fresh = events.filter((event) => event.version > (told.get(id) ?? 0));
    const record = fresh.length > 0 ? await load(id) : undefined;
    const news = fresh.map(({ event }) => event as unknown as TaskEvent);
    if (record) tell(record, news, false);
  };

  return {
    read,
    remembered: (id) => cache.get(id),
    readSince: async (id, version) => {
      const known = cache.get(id);
      return known && known.version >= version ? known : load(id);
    },
    now,
    change: (id, decide) => serialize(turns, id, () => change(id, decide)),
    create: async (pipeline, first, beside) => {
      const start = first.reduce<TaskState | undefined>(evolve, undefined);
      if (!start) throw new Error("a task begins with an event");
      const at = start.requestedAt;
      const events = [...first, ...settle(pipeline, start, at)];
      const state = events.slice(first.length).reduce<TaskState>(evolve, start);
      const record = { state, version: events.length, pipeline };
      if (!(await commit([append(state, 0, events), ...beside(state)], state.id))) return undefined;
      tell(record, events, true);
      return record;
    },
    tellOfOthers: async (events) => {
      const byTask = Map.groupBy(events, (event) => event.stream.slice(taskStream("").length));
      // All at once, so that the store is asked for them together.
      const telling = [...byTask].map(([id, all]) => serialize(turns, id, () => tellOf(id, all)));
      for (const one of await Promise.allSettled(telling)) if (one.status === "rejected") throw one.reason;
    },
    reindex: (id) =>
      serialize(turns, id, async () => {
        const record = await load(id);
        // Who was faster has written them, too.
        if (record?.state.phase === "ended") await journal.append([append(record.state, record.version, [])]);
      }),
    forget: (id) => {
      cache.delete(id);
      told.delete(id);
    },
    recheck: async () => {
      const looks = [...doubtful].map((id) =>
        serialize(turns, id, async () => {
          const record = await load(id);
          doubtful.delete(id);
          if (record) tell(record, [], true);
        }),
      );
      for (const look of await Promise.allSettled(looks)) if (look.status === "rejected") throw look.reason;
    },
    listen: (listener) => void listeners.push(listener),
  };
}

export function taskStream(id: string): string {
  return `task/${id}`;
}

/** Declared with the journal: how tasks and apps are found. */
export const AGENT_INDEXES = [
  "tasks",
  "tasks-by-app",
  "tasks-by-state",
  "open",
  "behind",
  "ended",
  "reruns",
  "keys",
  "readers",
  "apps",
  "runners",
  "agents",
] as const;

/** A key that sorts by time: milliseconds with leading zeros, then the id. */
export function timeKey(state: TaskState): string {
  return `${String(state.requestedAt).padStart(15, "0")}/${state.id}`;
}

/** `before`: the state that the entries in the index are of; absent for a new task. */
function append(state: TaskState, expected: number, events: readonly TaskEvent[], before?: TaskState): StreamAppend {
  const same =
    before && before.phase === state.phase && before.outcome === state.outcome && before.behind === state.behind;
  return {
    stream: taskStream(state.id),
    expected,
    events: events as unknown as readonly JsonObject[],
    snapshot: state as unknown as JsonValue,
    ...(same ? {} : { index: indexOf(state) }),
  };
}

/** Made of `id`, `app`, `pipeline`, `rerunOf` and `requestedAt`, which stay, and of `phase`, `outcome` and `behind`. */
function indexOf(state: TaskState): NonNullable<StreamAppend["index"]> {
  const open = state.phase !== "ended";
  const key = timeKey(state);
  return {
    tasks: [key],
    ...(state.app === undefined ? {} : { "tasks-by-app": [`${state.app}/${key}`] }),
    "tasks-by-state": [`${state.outcome ?? "open"}/${key}`],
    ...(open ? { open: [key] } : { ended: [`${endedPrefix(state)}${key}`] }),
    ...(open && state.rerunOf !== undefined ? { reruns: [`${state.rerunOf}/${state.id}`] } : {}),
    ...(open && state.behind !== undefined ? { behind: [`${state.behind}/${state.id}`] } : {}),
  };
}

/** Ended tasks of one app and pipeline, by time, in the index `ended`. */
export function endedPrefix({ app, pipeline }: Pick<TaskState, "app" | "pipeline">): string {
  return `${app ?? "-"}/${pipeline}/`;
}

function fold(
  before: TaskRecord,
  decided: readonly TaskEvent[],
  at: number,
): { state: TaskState; events: TaskEvent[] } {
  const changed = decided.reduce<TaskState>(evolve, before.state);
  const follows = settle(before.pipeline, changed, at);
  return { state: follows.reduce<TaskState>(evolve, changed), events: [...decided, ...follows] };
}

/** The end of a task changes its app in the same commit. */
async function appAppend(journal: Journal, task: TaskRecord): Promise<readonly StreamAppend[]> {
  if (task.state.app === undefined) return [];
  const stream = appStream(task.state.app);
  const loaded = await journal.load(stream);
  if (!loaded) return [];
  const change = appAfter(loaded.snapshot as unknown as AppState, task);
  return change ? [appCommit(change.app, loaded.version, change.events)] : [];
}

export function jobMode(pipeline: Pipeline, jobId: string): "strict" | "lenient" {
  return jobDefinition(pipeline, jobId).mode;
}

export function appStream(name: string): string {
  return `app/${name}`;
}

export function appCommit(app: AppState, expected: number, events: readonly JsonObject[]): StreamAppend {
  return {
    stream: appStream(app.name),
    expected,
    events,
    snapshot: app as unknown as JsonValue,
    index: { apps: [app.name] },
  };
}
