// The arithmetic of leases that both sides rely on. The rates of two clocks may differ by the factor 1.36, and some time
// is kept back for a machine that wakes up late; within that, a strict job never runs twice at once. Pure.

import type { Lease } from "./protocol.ts";

const MAX_RATE = 1.36;
/** The part of the time until the job is given away that may be used; the rest is for waking up late. */
const USABLE = 109 / 120;
const MAX_KILL_MS = 20_000;

type Times = Pick<Lease, "selfFenceMs" | "reassignAfterMs">;

/** Does the holder of a strict lease stop, whatever its clock, before the job is given away? */
export function neverOverlaps(lease: Times): boolean {
  return lease.selfFenceMs * MAX_RATE < lease.reassignAfterMs * USABLE;
}

/** How long the programs of a job may take to end after the runner has fenced itself; then they are killed. */
export function killWithinMs(lease: Times, mode: "strict" | "lenient"): number {
  const end = mode === "strict" ? (lease.reassignAfterMs * USABLE) / MAX_RATE : lease.reassignAfterMs;
  return Math.max(0, Math.min(MAX_KILL_MS, Math.floor(end - lease.selfFenceMs)));
}
