// Moments on two clocks: the lease of an attempt must be judged correctly when one of them stops or is set.

import type { Clock } from "@gantry/runtime/clock.ts";

/** One moment on both clocks. */
export type Moment = { readonly monotonicMs: number; readonly wallMs: number };

/** True when the moment has not been reached on either clock. */
export function isAhead(until: Moment, clock: Pick<Clock, "monotonicMs" | "nowMs">): boolean {
  return clock.monotonicMs() < until.monotonicMs && clock.nowMs() < until.wallMs;
}

/** The larger of the two differences: one clock may stop while the machine is suspended, the other may be set. */
export function elapsedMs(since: Moment, now: Moment): number {
  return Math.max(now.monotonicMs - since.monotonicMs, now.wallMs - since.wallMs);
}
