// When a lease ends, and how much time a lease gets after the agent was down. Pure.

import type { AgentConfig } from "../config.ts";

export type LeaseMode = "strict" | "lenient";

/** Times of one clock, ms. */
export type LeaseTimes = {
  readonly mode: LeaseMode;
  /** When the holder last renewed. */
  readonly renewedMs: number;
  /** When the job was canceled; undefined while it is not. */
  readonly canceledMs: number | undefined;
};

/** How long a runner may clean up after the grace period of a cancel. */
const CLEANUP_MS = 60_000;

/**
 * Why the lease has ended; undefined while it has not. `canceled`: a lenient job is given up early when its runner has not
 * answered to the cancel.
 */
export function leaseEnd(
  lease: LeaseTimes,
  { config, now }: { config: Pick<AgentConfig, "lease" | "cancelGraceMs">; now: number },
): "silent" | "canceled" | undefined {
  if (now - lease.renewedMs > config.lease[lease.mode].reassignAfterMs) return "silent";
  if (lease.mode === "strict" || lease.canceledMs === undefined) return undefined;
  const since = Math.max(lease.renewedMs, lease.canceledMs);
  return now - since > config.cancelGraceMs + CLEANUP_MS ? "canceled" : undefined;
}

/** Saved at intervals: when each lease was renewed, and when the last recovery window began. Store time, ms. */
export type SavedLeaseTimes = { readonly windowAtMs: number; readonly renewedMs: { readonly [lease: string]: number } };

/**
 * The least time between two recovery windows, so that an agent that crashes again and again does not extend the lease of a
 * dead runner without end.
 */
const WINDOW_MS = 600_000;
/** A recovery window saves its own start as the time of every lease. A saved time this close to that start is therefore no renewal. */
const SAME_MOMENT_MS = 1_000;

/**
 * After a start of the agent every lease gets its full time once more, because its holder could not renew it while the agent
 * was down. There are two exceptions: within ten minutes of the last such window, and for a lease that was not renewed since
 * then, the time continues from what was saved. A strict job always gets its full time: its last renewal is not known to the
 * second, and it must never run twice at once. Returns the time at which each lease counts as renewed.
 */
export function decideRecovery(
  leases: readonly { readonly id: string; readonly mode: LeaseMode; readonly claimedMs: number }[],
  saved: SavedLeaseTimes | undefined,
  nowMs: number,
): SavedLeaseTimes {
  const before = saved?.windowAtMs;
  const isWindow = before === undefined || nowMs - before >= WINDOW_MS || nowMs < before;
  const renewedMs: Record<string, number> = {};
  for (const { id, mode, claimedMs } of leases) {
    const last = Math.min(nowMs, Math.max(saved?.renewedMs[id] ?? 0, claimedMs));
    const isRenewed = before === undefined || last > before + SAME_MOMENT_MS;
    renewedMs[id] = mode === "strict" || (isWindow && isRenewed) ? nowMs : last;
  }
  return { windowAtMs: isWindow ? nowMs : before, renewedMs };
}
