// Tasks of one group run one after the other. When one ends, the next one starts.

import { decideUnblock } from "@gantry/core/task/decide-task.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { taskStream } from "./task-stream.ts";
import type { Tasks } from "./tasks.ts";

export type TaskGroups = {
  /**
   * Lets a queued task start when the task that it waits for has ended, or lets it wait for the one before that. Does
   * nothing for any other task. Rejects when the store fails.
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
