// The tasks of this agent. Every change of a task goes through here.

import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import type { Decision } from "@gantry/core/task/decision.ts";
import type { TaskEvent } from "@gantry/core/task/events.ts";
import type { GateFacts } from "@gantry/core/task/gate.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import type { Journal, JournalEvent, StreamAppend } from "@gantry/journal/journal.ts";
import { changeTask, createTask, storeNow } from "./change-task.ts";
import type { Definitions } from "./definitions.ts";
import { serialize } from "./serialize.ts";
import { type TaskListener, type TaskRecord, TaskStore } from "./task-store.ts";
import { taskAppend, taskStream } from "./task-stream.ts";

export type Tasks = {
  /** Undefined when the task does not exist. Where the journal is shared, always asks the store. */
  readonly read: (id: string) => Promise<TaskRecord | undefined>;
  /** As last seen, perhaps long ago: for decisions that a commit tests anyway. Undefined: not cached, use `read`. */
  readonly cached: (id: string) => TaskRecord | undefined;
  /** At least as new as this version. Asks the store only when the cached record is older. */
  readonly readAtLeast: (id: string, version: number) => Promise<TaskRecord | undefined>;
  /** Throws what the decision refuses, or `not-found`. Concurrent changes of one task are done one after the other. */
  readonly change: (
    id: string,
    decide: (task: TaskRecord, now: number, gates: GateFacts) => Decision,
  ) => Promise<TaskRecord>;
  /** Commits a new task together with other streams. Undefined when one of them was changed in the meantime. */
  readonly create: (
    pipeline: Pipeline,
    events: readonly TaskEvent[],
    alongside: (state: TaskState) => readonly StreamAppend[],
  ) => Promise<TaskRecord | undefined>;
  /** Writes the index entries of an ended task again: older versions of Gantry did not write all of them. */
  readonly reindex: (id: string) => Promise<void>;
  /** The task was removed from the journal. */
  readonly forget: (id: string) => void;
  /** Store time, milliseconds since 1970. */
  readonly now: () => Promise<number>;
  readonly listen: (listener: TaskListener) => void;
  /**
   * Loads the tasks whose last commit was not answered and may have been done, and notifies the listeners of their state.
   * Rejects when the journal still fails; the next call tries those tasks again.
   */
  readonly resolveUnanswered: () => Promise<void>;
  /** Notifies the listeners of events that another agent committed. Events that they know already are ignored. */
  readonly onPeerEvents: (events: readonly JournalEvent[]) => Promise<void>;
};

/** `shared`: other agents change tasks in the same journal, so a cached record may be old. */
export function openTasks(journal: Journal, definitions: Definitions, { shared = false } = {}): Tasks {
  const store = new TaskStore(journal, definitions, shared);
  const queues = new Map<string, Promise<unknown>>();
  const inTurn = <T>(id: string, work: () => Promise<T>): Promise<T> => serialize(queues, id, work);

  return {
    read: async (id) => {
      if (shared) return inTurn(id, () => store.loadAndNotify(id));
      return store.cached(id) ?? (await store.load(id));
    },
    cached: (id) => store.cached(id),
    readAtLeast: async (id, version) => {
      const known = store.cached(id);
      return known && known.version >= version ? known : store.load(id);
    },
    now: () => storeNow(journal),
    change: (id, decide) => inTurn(id, () => changeTask(store, id, decide)),
    create: (pipeline, first, alongside) => createTask(store, pipeline, first, alongside),
    onPeerEvents: async (events) => {
      const byTask = Map.groupBy(events, ({ stream }) => taskStream.idOf(stream));
      // All at once, so that the store is asked for them together.
      const notifying = [...byTask].map(([id, all]) =>
        id === undefined ? undefined : inTurn(id, () => notifyOfPeerEvents(store, id, all)),
      );
      await allDone(notifying);
    },
    reindex: (id) =>
      inTurn(id, async () => {
        const record = await store.load(id);
        // On a conflict, the other writer has written the entries as well.
        if (record?.state.phase === "ended") await journal.append([taskAppend(record.state, record.version, [])]);
      }),
    forget: (id) => store.forget(id),
    resolveUnanswered: () => allDone(store.unanswered().map((id) => inTurn(id, () => store.resolveUnanswered(id)))),
    listen: (listener) => store.listen(listener),
  };
}

async function notifyOfPeerEvents(store: TaskStore, id: string, events: readonly JournalEvent[]): Promise<void> {
  const unknown = events.filter((event) => event.version > (store.notifiedVersion(id) ?? 0));
  const record = unknown.length > 0 ? await store.load(id) : undefined;
  if (record) store.notify(record, unknown.map(taskStream.eventOf), false);
}

/** Waits for all of them, then rejects with the first error. */
async function allDone(work: readonly (Promise<void> | undefined)[]): Promise<void> {
  for (const one of await Promise.allSettled(work)) if (one.status === "rejected") throw one.reason;
}
