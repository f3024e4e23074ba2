// Who holds what, and when it was last renewed. Renewals are in memory and written down now and then: after a restart of
// the agent leases get their full time once more (the recovery window), so a restart takes no work from a living runner.

import { decideLost } from "@gantry/core/task/decide-lease.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Lease } from "@gantry/wire/runner/protocol.ts";
import type { Alarms } from "../alarms.ts";
import type { AgentConfig } from "../config.ts";
import { jobMode, type TaskRecord, type Tasks } from "../tasks/tasks.ts";
import { decideRecovery, type LeaseMode, leaseEnd, type Remembered } from "./decide-leases.ts";

export type Leases = {
  /** Takes over what changed: new leases begin their time, ended ones are forgotten. */
  readonly look: (task: TaskRecord) => void;
  /** Counts as a sign of life when the fence is the newest. */
  readonly renew: (task: string, job: string, fence: number, runner: string) => boolean;
  /** Leases of a runner, as `task`, `job` and `fence`. */
  readonly of: (runner: string) => readonly HeldLease[];
  /** Since when (wall clock, ms) the holder has been silent; undefined while it renews in time. */
  readonly silentSince: (task: string, job: string) => number | undefined;
  /** Once, when every unfinished task has been looked at: the recovery window. */
  readonly recover: () => Promise<void>;
  /** Gives away what has not been renewed in time, and writes down what has. */
  readonly sweep: () => Promise<void>;
  /** Gives one lease up now. Nothing happens when its fence is not the newest any more. */
  readonly lose: (lease: HeldLease, reason: string) => Promise<void>;
  readonly terms: (mode: LeaseMode) => Lease;
  readonly count: () => number;
  /** How many jobs of a site are held. */
  readonly atSite: (site: string) => number;
  /** Leases that were renewed here, and how long ago, ms: for the other agents. */
  readonly heard: () => ReadonlyMap<string, number>;
};

export type HeldLease = { readonly task: string; readonly job: string; readonly fence: number };

type Held = HeldLease & {
  readonly runner: string;
  readonly site: string;
  readonly mode: LeaseMode;
  readonly claimedAt: number;
  /** Since when its time runs. Later than it was heard of where it is not known better. */
  renewedMs: number;
  /** When its holder was heard of by this agent. */
  heardMs: number | undefined;
  canceledMs: number | undefined;
};

export type LeasesDeps = {
  readonly tasks: Tasks;
  readonly journal: Journal;
  readonly config: Pick<AgentConfig, "lease" | "cancelGraceMs" | "aliveMs">;
  readonly clock: Clock;
  readonly alarms: Alarms;
  /** Where several agents share the journal: the name of this one, and what the others have heard (store time, ms). */
  readonly name?: string | undefined;
  readonly heardByOthers?: (lease: string) => number | undefined;
};

const SAVE_EVERY_MS = 10_000;
/** What another agent hears is known here so much later, and a renewal may have followed that it could not tell. */
const TOLD_WITHIN_MS = 2_000;

export function openLeases({ tasks, journal, config, clock, alarms, name, heardByOthers }: LeasesDeps): Leases {
  const stream = name === undefined ? "agent/leases" : `agent/leases/${name}`;
  const held = new Map<string, Held>();
  let windowAtMs = 0;
  let savedMs = clock.monotonicMs();
  /** Who lives is given time to come back before anything is given away. */
  let sweepFromMs = 0;

  const save = async (): Promise<void> => {
    savedMs = clock.monotonicMs();
    const now = await tasks.now();
    const ago = (one: Held): number => Math.round(clock.monotonicMs() - one.renewedMs);
    const renewedMs = Object.fromEntries([...held].map(([id, one]) => [id, now - ago(one)]));
    const snapshot: Remembered = { windowAtMs, renewedMs };
    // Only one agent writes here; the newest word is the one that counts.
    await journal.append([{ stream, expected: 0, events: [], snapshot }]);
  };

  const lose = async (lease: HeldLease, reason: string): Promise<void> => {
    await tasks.change(lease.task, ({ state, pipeline }, at) => decideLost(pipeline, state, { ...lease, reason }, at));
  };

  /** Before anything is given away: its holder may renew at another agent. */
  const hearOthers = async (heard: NonNullable<typeof heardByOthers>, now: number): Promise<void> => {
    const overdue = [...held].filter(([, lease]) => leaseEnd(lease, { config, now }));
    if (overdue.length === 0) return;
    const storeMs = await tasks.now();
    for (const [id, lease] of overdue) {
      const at = heard(id);
      if (at === undefined) continue;
      const latest = at + config.lease[lease.mode].renewEveryMs + TOLD_WITHIN_MS;
      lease.renewedMs = Math.max(lease.renewedMs, now - Math.max(0, storeMs - latest));
    }
  };

  return {
    look: ({ state, pipeline }) => {
      for (const job of Object.values(state.jobs)) {
        const id = leaseId(state.id, job.key);
        const known = held.get(id);
        const now = clock.monotonicMs();
        if (!job.lease) held.delete(id);
        else if (known?.fence === job.fence) known.canceledMs ??= canceled(state, job.key) ? now : undefined;
        else
          held.set(id, {
            task: state.id,
            job: job.key,
            fence: job.fence,
            runner: job.lease.runner,
            site: job.site,
            mode: jobMode(pipeline, job.id),
            claimedAt: job.lease.claimedAt,
            renewedMs: now,
            heardMs: undefined,
            canceledMs: canceled(state, job.key) ? now : undefined,
          });
      }
    },
    renew: (task, job, fence, runner) => {
      const lease = held.get(leaseId(task, job));
      if (lease?.fence !== fence || lease.runner !== runner) return false;
      lease.renewedMs = clock.monotonicMs();
      lease.heardMs = lease.renewedMs;
      return true;
    },
    of: (runner) => [...held.values()].filter((lease) => lease.runner === runner),
    silentSince: (task, job) => {
      const lease = held.get(leaseId(task, job));
      if (!lease) return undefined;
      const silentMs = clock.monotonicMs() - lease.renewedMs;
      return silentMs > config.lease[lease.mode].renewWithinMs ? clock.nowMs() - silentMs : undefined;
    },
    recover: async () => {
      const [now, nowMs] = [clock.monotonicMs(), await tasks.now()];
      const remembered = (await journal.load(stream))?.snapshot as Remembered | undefined;
      const leases = [...held].map(([id, { mode, claimedAt }]) => ({ id, mode, claimedMs: claimedAt }));
      const recovered = decideRecovery(leases, remembered, nowMs);
      for (const [id, lease] of held) lease.renewedMs = now - (nowMs - (recovered.renewedMs[id] ?? nowMs));
      windowAtMs = recovered.windowAtMs;
      if (held.size > 0 || remembered) await save();
      // Until here nobody could be heard, however long the store took.
      const deafMs = clock.monotonicMs() - now;
      for (const lease of held.values()) lease.renewedMs += deafMs;
      sweepFromMs = now + deafMs + config.aliveMs;
    },
    sweep: async () => {
      const now = clock.monotonicMs();
      if (held.size > 0 && now - savedMs >= SAVE_EVERY_MS) await save();
      if (now < sweepFromMs) return;
      if (heardByOthers) await hearOthers(heardByOthers, now);
      let failed: { readonly error: unknown } | undefined;
      for (const lease of [...held.values()]) {
        const end = leaseEnd(lease, { config, now });
        if (!end) continue;
        try {
          await lose(lease, `runner ${lease.runner} has not been heard of for ${seconds(now - lease.renewedMs)} s`);
        } catch (error) {
          // Tried again by the next sweep; the others must not wait because of it.
          failed ??= { error };
          continue;
        }
        if (lease.canceledMs === undefined) continue;
        const { task, job, fence, runner } = lease;
        alarms.raise("cancel-unconfirmed", { task, job, fence, runner }, "a canceled job was given up unconfirmed");
      }
      if (failed) throw failed.error;
    },
    lose,
    terms: (mode) => {
      const { renewEveryMs, selfFenceMs, reassignAfterMs } = config.lease[mode];
      return { renewEveryMs, selfFenceMs, reassignAfterMs };
    },
    count: () => held.size,
    atSite: (site) => [...held.values()].filter((lease) => lease.site === site).length,
    heard: () => {
      const now = clock.monotonicMs();
      return new Map(
        [...held].flatMap(([id, { heardMs }]) => (heardMs === undefined ? [] : [[id, Math.round(now - heardMs)]])),
      );
    },
  };
}

/** Is this attempt to be stopped? */
export function canceled(state: TaskState, job: string): boolean {
  return state.cancel !== undefined && state.jobs[job]?.final === false;
}

function leaseId(task: string, job: string): string {
  return `${task} ${job}`;
}

function seconds(ms: number): number {
  return Math.round(ms / 1_000);
}
