// The lease arithmetic that both sides rely on. The rates of the two clocks may differ by a factor of 1.36, and some time is
// reserved for a machine that wakes up late; within these limits a strict job never runs twice at the same time. Pure.

import type { Lease } from "./protocol.ts";

const MAX_RATE = 1.36;
/** The usable share of the time until the job is reassigned; the rest is reserved for a late wake-up. */
const USABLE = 109 / 120;
const MAX_KILL_MS = 20_000;

type Times = Pick<Lease, "selfFenceMs" | "reassignAfterMs">;

/** Whether the holder of a strict lease stops before the job is reassigned, with any allowed clock. */
export function neverOverlaps(lease: Times): boolean {
  return lease.selfFenceMs * MAX_RATE < lease.reassignAfterMs * USABLE;
}

/** How long the programs of a job may take to end after the runner has fenced itself; afterwards they are killed. */
export function killWithinMs(lease: Times, mode: "strict" | "lenient"): number {
  const end = mode === "strict" ? (lease.reassignAfterMs * USABLE) / MAX_RATE : lease.reassignAfterMs;
  return Math.max(0, Math.min(MAX_KILL_MS, Math.floor(end - lease.selfFenceMs)));
}
