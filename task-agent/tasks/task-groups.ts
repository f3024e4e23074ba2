// Tasks of one group run one after the other. When one ends, the next one starts.

import { renderText } from "@gantry/core/expr/template.ts";
import { decideSupersede, decideUnblock } from "@gantry/core/task/decide-task.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import { BY_PERSON } from "@gantry/core/trigger/facts.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { TaskRecord } from "./task-store.ts";
import { taskStream } from "./task-stream.ts";
import type { Tasks } from "./tasks.ts";

export type TaskGroups = {
  /**
   * Starts a queued task if the task that it waits for has ended; if that one was canceled before its turn, the task then
   * waits for the one before it. Does nothing for any other task. Rejects when the store fails.
   */
  readonly advance: (id: string) => Promise<void>;
  /** Advances the tasks that wait for this ended task. Rejects when the store fails. */
  readonly advanceBehind: (ended: TaskState) => Promise<void>;
};

const MAX_BEHIND = 100;

export function openTaskGroups(journal: Pick<Journal, "find">, tasks: Tasks): TaskGroups {
  const advance = async (id: string): Promise<void> => {
    const waiting = await tasks.read(id);
    const before = waiting?.state.behind === undefined ? undefined : await tasks.read(waiting.state.behind);
    if (waiting?.state.phase !== "queued" || before?.state.phase !== "ended") return;
    await tasks.change(id, ({ state }, now) => decideUnblock(state, before.state.id, before.state.behind, now));
  };
  return {
    advance,
    advanceBehind: async (ended) => {
      const behind = await journal.find({ index: "behind", prefix: `${ended.id}/`, limit: MAX_BEHIND });
      for (const item of behind.items) await advance(taskStream.stateOf(item).id);
    },
  };
}

/**
 * The task that a new task of the group must wait for; `last` was requested last. A task that was canceled before its turn
 * has ended, but the task that it waited for may still run.
 */
export async function newestUnended(tasks: Pick<Tasks, "read">, last: string | undefined): Promise<string | undefined> {
  let id = last;
  while (id !== undefined) {
    const state = (await tasks.read(id))?.state;
    if (state && state.phase !== "ended") return state.id;
    id = state?.behind;
  }
  return undefined;
}

/** The text that must be the same in both tasks; undefined if there is none to compare. */
function sameOf({ state, pipeline }: TaskRecord): string | undefined {
  const same = pipeline.concurrency?.same;
  if (same === undefined) return undefined;
  const { id, url, requestedBy, params, appScope, trigger = BY_PERSON } = state;
  return renderText(same, { params, app: appScope, trigger, task: { id, url, requestedBy } });
}

/**
 * With the policy `cancel-older`, cancels every task of the group that was requested before this one and has not ended. The
 * new task still waits until they have ended. Does nothing with another policy, or when this task has had its turn. Safe to
 * repeat: when it was interrupted, the repeated request and a restart of the agent call it again.
 */
export async function cancelOlder(tasks: Pick<Tasks, "read" | "change">, record: TaskRecord): Promise<TaskRecord> {
  const { state, pipeline } = record;
  if (pipeline.concurrency?.policy !== "cancel-older" || state.phase !== "queued") return record;
  const same = sameOf(record);
  if (same === "") return record;
  const { until } = pipeline.concurrency;
  let id = state.behind;
  while (id !== undefined) {
    const older = await tasks.read(id);
    // An older pipeline file may have no text to compare.
    if (older && older.state.phase !== "ended" && sameOf(older) === same)
      await tasks.change(id, (task, now) =>
        decideSupersede(task.state, { task: state.id, by: state.requestedBy, until }, now),
      );
    id = older?.state.behind;
  }
  return (await tasks.read(state.id)) ?? record;
}
