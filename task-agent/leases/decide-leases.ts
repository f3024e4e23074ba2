// When a lease is over, and how much time a lease gets when the agent has been away. Pure.

import type { AgentConfig } from "../config.ts";

export type LeaseMode = "strict" | "lenient";

/** Times of one clock, in milliseconds. */
export type LeaseTimes = {
  readonly mode: LeaseMode;
  /** When the holder was heard of for the last time. */
  readonly renewedMs: number;
  /** When it was to be told that the job is canceled. */
  readonly canceledMs: number | undefined;
};

/** What a runner may take for its cleaning up after the grace of a cancel. */
const CLEANUP_MS = 60_000;

/** `canceled`: a lenient job need not be waited for once nobody has answered to its cancel. */
export function leaseEnd(
  lease: LeaseTimes,
  { config, now }: { config: Pick<AgentConfig, "lease" | "cancelGraceMs">; now: number },
): "silent" | "canceled" | undefined {
  if (now - lease.renewedMs > config.lease[lease.mode].reassignAfterMs) return "silent";
  if (lease.mode === "strict" || lease.canceledMs === undefined) return undefined;
  const since = Math.max(lease.renewedMs, lease.canceledMs);
  return now - since > config.cancelGraceMs + CLEANUP_MS ? "canceled" : undefined;
}

/** What is written down now and then: when each lease was renewed, and when the last recovery window was. Store time. */
export type Remembered = { readonly windowAtMs: number; readonly renewedMs: { readonly [lease: string]: number } };

/** Recovery windows are at least so far apart: an agent that crashes again and again keeps no dead runner's job. */
const WINDOW_MS = 600_000;
/** What was written at the beginning of the window itself is no renewal. */
const SAME_MOMENT_MS = 1_000;

/**
 * After a start of the agent every lease gets its full time once more, because its holder could not renew it meanwhile.
 * Within ten minutes of the last such window, and for a lease that was not renewed since, time goes on from what was
 * written down. A strict job always gets its full time: when it was renewed last is not known to the second, and it may
 * never run twice at once. Answers since when each lease counts as renewed.
 */
export function decideRecovery(
  leases: readonly { readonly id: string; readonly mode: LeaseMode; readonly claimedMs: number }[],
  remembered: Remembered | undefined,
  nowMs: number,
): Remembered {
  const before = remembered?.windowAtMs;
  const isWindow = before === undefined || nowMs - before >= WINDOW_MS || nowMs < before;
  const renewedMs: Record<string, number> = {};
  for (const { id, mode, claimedMs } of leases) {
    const last = Math.min(nowMs, Math.max(remembered?.renewedMs[id] ?? 0, claimedMs));
    const isFresh = before === undefined || last > before + SAME_MOMENT_MS;
    renewedMs[id] = mode === "strict" || (isWindow && isFresh) ? nowMs : last;
  }
  return { windowAtMs: isWindow ? nowMs : before, renewedMs };
}
