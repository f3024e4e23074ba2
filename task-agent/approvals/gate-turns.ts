// Looks again at tasks with jobs that people or a calendar hold, or that expire, when the time or the policy may have changed
// something. Every agent does it for all of its tasks, and the commit decides who was first.

import type { Environments } from "@gantry/core/build/environments.ts";
import { jobDefinition } from "@gantry/core/task/decide-lease.ts";
import { jobExpiresAt, taskExpiresAt } from "@gantry/core/task/expiry.ts";
import { nextTurnOf } from "@gantry/core/task/gate.ts";
import { settle } from "@gantry/core/task/settle.ts";
import type { RetryQueue } from "../tasks/retry-queue.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import type { Tasks } from "../tasks/tasks.ts";

export type GateTurns = {
  /** Notes when the task has to be looked at next. */
  readonly onTaskChanged: (task: TaskRecord) => void;
  /** To be called every second. Rejects when the store fails. */
  readonly sweep: () => Promise<void>;
};

export type GateTurnsDeps = {
  readonly tasks: Pick<Tasks, "change" | "now">;
  readonly environments: () => Environments;
  readonly retries: Pick<RetryQueue, "run">;
};

export function openGateTurns({ tasks, environments, retries }: GateTurnsDeps): GateTurns {
  /** Task → store time in ms. */
  const turns = new Map<string, number>();
  let lastSweep = 0;
  let policy = environments();
  const look = (id: string): Promise<void> =>
    retries.run(`looking at what holds task ${id}`, async () => {
      const record = await tasks.change(id, ({ pipeline, state }, now, gates) => {
        return { events: settle(pipeline, state, now, gates) };
      });
      note(record);
    });
  const note = ({ state, pipeline }: TaskRecord): void => {
    const open = state.phase === "ended" ? [] : Object.values(state.jobs);
    const due = [
      ...open.flatMap((job) => nextTurnOf(job, lastSweep) ?? []),
      ...open.flatMap((job) => jobExpiresAt(jobDefinition(pipeline, job.id), job) ?? []),
      ...[taskExpiresAt(pipeline, state) ?? []].flat(),
    ];
    if (due.length === 0 && !open.some((job) => job.phase === "pending" && job.waiting)) turns.delete(state.id);
    else turns.set(state.id, Math.min(...due));
  };
  return {
    onTaskChanged: note,
    sweep: async () => {
      if (turns.size === 0) return;
      lastSweep = await tasks.now();
      const isNewPolicy = policy !== environments();
      policy = environments();
      const due = [...turns].filter(([, at]) => isNewPolicy || at <= lastSweep);
      for (const [id] of due) await look(id);
    },
  };
}
