// Which runner holds which job, and until when. Renewals are kept in memory and saved at intervals.

import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Lease } from "@gantry/wire/runner/protocol.ts";
import type { Alarms } from "../alarms.ts";
import type { AgentConfig } from "../config.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import type { Tasks } from "../tasks/tasks.ts";
import type { LeaseMode } from "./decide-leases.ts";
import { type ExpireDeps, expireLeases, revokeLease } from "./expire-leases.ts";
import { type HeldLease, type LeaseEntry, type LeaseOwner, LeaseTable } from "./lease-table.ts";
import { openLeaseTimes } from "./lease-times.ts";

export type Leases = {
  /** Takes over what changed: the time of new leases starts, and leases that ended are removed. */
  readonly onTaskChanged: (task: TaskRecord) => void;
  /** False, and nothing happens, unless this runner holds the lease with this fence. */
  readonly renew: (lease: HeldLease, owner: LeaseOwner) => boolean;
  readonly ofRunner: (owner: LeaseOwner) => readonly LeaseEntry[];
  /** Since when (wall clock, ms) the holder has been silent; undefined while it renews in time. */
  readonly silentSince: (task: string, job: string) => number | undefined;
  /** To be called once, after every unfinished task is known: starts the recovery window. */
  readonly recover: () => Promise<void>;
  /** Saves the times of all leases at intervals, and revokes those that were not renewed in time. */
  readonly sweep: () => Promise<void>;
  /** Revokes one lease now. Nothing happens when its fence is not the newest any more. Rejects when the store fails. */
  readonly revoke: (lease: HeldLease, reason: string) => Promise<void>;
  /** The durations that a runner receives with its claim, ms. */
  readonly terms: (mode: LeaseMode) => Lease;
  readonly count: () => number;
  readonly countAtSite: (site: string) => number;
  /** Leases that were renewed at this agent, and how long ago, ms: for the other agents. */
  readonly heardAgoMs: () => ReadonlyMap<string, number>;
};

export type LeasesDeps = ExpireDeps & {
  readonly journal: Journal;
  readonly config: Pick<AgentConfig, "lease" | "cancelGraceMs" | "aliveMs">;
  readonly clock: Clock;
  readonly alarms: Alarms;
  readonly tasks: Tasks;
  /** The name of this agent where several share the journal. */
  readonly name?: string | undefined;
};

export function openLeases(deps: LeasesDeps): Leases {
  const { tasks, config, clock } = deps;
  const table = new LeaseTable(clock, config);
  const times = openLeaseTimes(table, { ...deps, name: deps.name });
  /** Live runners get time to come back before any lease is revoked. Monotonic. */
  let sweepFromMs = 0;

  return {
    onTaskChanged: (task) => table.onTaskChanged(task),
    renew: (lease, owner) => table.renew(lease, owner),
    ofRunner: (owner) => table.ofRunner(owner),
    silentSince: (task, job) => table.silentSince(task, job),
    recover: async () => {
      const now = clock.monotonicMs();
      const tookMs = await times.recover();
      sweepFromMs = now + tookMs + config.aliveMs;
    },
    sweep: async () => {
      const now = clock.monotonicMs();
      await times.saveIfDue();
      if (now >= sweepFromMs) await expireLeases(deps, table, now);
    },
    revoke: (lease, reason) => revokeLease(tasks, lease, reason),
    terms: (mode) => {
      const { renewEveryMs, selfFenceMs, reassignAfterMs } = config.lease[mode];
      return { renewEveryMs, selfFenceMs, reassignAfterMs };
    },
    count: () => table.entries.size,
    countAtSite: (site) => table.countAtSite(site),
    heardAgoMs: () => table.heardAgoMs(),
  };
}
