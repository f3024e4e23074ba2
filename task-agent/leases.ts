// Who holds what, and when it was last renewed. Renewals are in memory: after a restart of the agent every lease gets
// its full time once more (the recovery window), so a restart never takes work away from a living runner.

import { decideLost } from "@gantry/core/task/decide-lease.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import type { Clock } from "@gantry/journal/clock.ts";
import type { Lease } from "@gantry/wire/protocol.ts";
import type { AgentConfig } from "./config.ts";
import { jobMode, type TaskRecord, type Tasks } from "./tasks.ts";

export type Leases = {
  /** Takes over what changed: new leases begin their time, ended ones are forgotten. */
  readonly look: (task: TaskRecord) => void;
  /** Counts as a sign of life when the fence is the newest. */
  readonly renew: (task: string, job: string, fence: number, runner: string) => boolean;
  /** Leases of a runner, as `task`, `job` and `fence`. */
  readonly of: (runner: string) => readonly HeldLease[];
  /** Since when (wall clock, ms) the holder has been silent; undefined while it renews in time. */
  readonly silentSince: (task: string, job: string) => number | undefined;
  /** Gives away what has not been renewed in time. */
  readonly sweep: () => Promise<void>;
  readonly terms: (mode: "strict" | "lenient") => Lease;
  readonly count: () => number;
};

export type HeldLease = { readonly task: string; readonly job: string; readonly fence: number };

type Held = HeldLease & { readonly runner: string; readonly mode: "strict" | "lenient"; renewedMs: number };

export function openLeases(options: { tasks: Tasks; lease: AgentConfig["lease"]; clock: Clock }): Leases {
  const held = new Map<string, Held>();
  const key = (task: string, job: string): string => `${task} ${job}`;

  return {
    look: ({ state, pipeline }) => {
      for (const job of Object.values(state.jobs)) {
        const id = key(state.id, job.key);
        const known = held.get(id);
        if (!job.lease) held.delete(id);
        else if (known?.fence !== job.fence) {
          const mode = jobMode(pipeline, job.id);
          held.set(id, {
            task: state.id,
            job: job.key,
            fence: job.fence,
            runner: job.lease.runner,
            mode,
            renewedMs: options.clock.monotonicMs(),
          });
        }
      }
    },
    renew: (task, job, fence, runner) => {
      const lease = held.get(key(task, job));
      if (!lease || lease.fence !== fence || lease.runner !== runner) return false;
      lease.renewedMs = options.clock.monotonicMs();
      return true;
    },
    of: (runner) => [...held.values()].filter((lease) => lease.runner === runner),
    silentSince: (task, job) => {
      const lease = held.get(key(task, job));
      if (!lease) return undefined;
      const silentMs = options.clock.monotonicMs() - lease.renewedMs;
      return silentMs > options.lease[lease.mode].renewWithinMs ? options.clock.nowMs() - silentMs : undefined;
    },
    sweep: async () => {
      const now = options.clock.monotonicMs();
      const over = [...held.values()].filter(
        (lease) => now - lease.renewedMs > options.lease[lease.mode].reassignAfterMs,
      );
      for (const lease of over) {
        const reason = `runner ${lease.runner} has not been heard of for ${Math.round((now - lease.renewedMs) / 1_000)} s`;
        await options.tasks.change(lease.task, ({ state, pipeline }, at) =>
          decideLost(pipeline, state, { ...lease, reason }, at),
        );
      }
    },
    terms: (mode) => {
      const { renewEveryMs, selfFenceMs, reassignAfterMs } = options.lease[mode];
      return { renewEveryMs, selfFenceMs, reassignAfterMs };
    },
    count: () => held.size,
  };
}

/** Is this attempt to be stopped? */
export function canceled(state: TaskState, job: string): boolean {
  return state.cancel !== undefined && state.jobs[job]?.final === false;
}
