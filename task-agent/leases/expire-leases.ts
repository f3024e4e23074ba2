// Revokes the leases that were not renewed in time, so that other runners get their jobs.

import { decideLost } from "@gantry/core/task/decide-lease.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Alarms } from "../alarms.ts";
import type { AgentConfig } from "../config.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { leaseEnd } from "./decide-leases.ts";
import type { HeldLease, LeaseEntry, LeaseTable } from "./lease-table.ts";

export type ExpireDeps = {
  readonly tasks: Tasks;
  readonly config: Pick<AgentConfig, "lease" | "cancelGraceMs">;
  readonly clock: Clock;
  readonly alarms: Alarms;
  /**
   * Called before a job is taken from this runner because of its silence. `untilMs` (monotonic): whoever held the job and was
   * heard later would have renewed it.
   */
  readonly onSilent?: (runner: string, untilMs: number) => void;
  /** Where several agents share the journal: when any other one last heard of a lease (store time, ms). */
  readonly heardByPeers?: ((lease: string) => number | undefined) | undefined;
};

/** A renewal at another agent is known here this much later; a newer one may have followed that is not known yet. */
const PEER_DELAY_MS = 2_000;

/** A renewal that was due may have been lost on its way; a second one hardly. */
const MISSED_RENEWALS = 2;

/** Revokes one lease now. Nothing happens when its fence is not the newest any more. */
export async function revokeLease(tasks: Tasks, lease: HeldLease, reason: string): Promise<void> {
  await tasks.change(lease.task, ({ state, pipeline }, at) => decideLost(pipeline, state, { ...lease, reason }, at));
}

/** `now`: monotonic, ms. One lease that fails does not hold up the others; then rejects with the first error. */
export async function expireLeases(deps: ExpireDeps, table: LeaseTable, now: number): Promise<void> {
  const { heardByPeers } = deps;
  if (heardByPeers) await applyPeerRenewals({ ...deps, heardByPeers }, table, now);
  let failed: { readonly error: unknown } | undefined;
  for (const lease of [...table.entries.values()]) {
    if (!leaseEnd(lease, { config: deps.config, now })) continue;
    try {
      deps.onSilent?.(lease.runner, lease.renewedMs + MISSED_RENEWALS * deps.config.lease[lease.mode].renewEveryMs);
      const silentS = Math.round((now - lease.renewedMs) / 1_000);
      await revokeLease(deps.tasks, lease, `runner ${lease.runner} has been silent for ${silentS} s`);
    } catch (error) {
      // The next sweep tries again.
      failed ??= { error };
      continue;
    }
    // Two sweeps may overlap while the journal is slow.
    if (lease.canceledMs === undefined || lease.isUnconfirmed) continue;
    lease.isUnconfirmed = true;
    raiseUnconfirmed(deps.alarms, lease);
  }
  if (failed) throw failed.error;
}

/** Before a lease is revoked: its holder may have renewed it at another agent. */
async function applyPeerRenewals(
  { tasks, config, heardByPeers }: ExpireDeps & { heardByPeers: NonNullable<ExpireDeps["heardByPeers"]> },
  table: LeaseTable,
  now: number,
): Promise<void> {
  const overdue = [...table.entries].filter(([, lease]) => leaseEnd(lease, { config, now }));
  if (overdue.length === 0) return;
  const storeMs = await tasks.now();
  for (const [id, lease] of overdue) {
    const heardMs = heardByPeers(id);
    if (heardMs === undefined) continue;
    const latestMs = heardMs + config.lease[lease.mode].renewEveryMs + PEER_DELAY_MS;
    lease.renewedMs = Math.max(lease.renewedMs, now - Math.max(0, storeMs - latestMs));
  }
}

function raiseUnconfirmed(alarms: Alarms, { task, job, fence, runner }: LeaseEntry): void {
  const fields = { task, job, fence, runner };
  alarms.raise("cancel-unconfirmed", fields, "a canceled job was given up; its runner never confirmed that it stopped");
}
