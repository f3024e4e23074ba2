// Limits how many requests a caller may send per second. Each process counts separately.

import { GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "../clock.ts";

type Bucket = { left: number; atMs: number };

/** A caller who was silent may send as many requests at once as in this many seconds. */
const BURST_S = 2;
/** Callers that are remembered; those who have sent little lately are forgotten first. */
const MAX_CALLERS = 10_000;

/**
 * The answer counts a request of a caller, or throws `limit-reached`. `weight`: as how many requests it counts. A heavy one is
 * taken as long as there is room for a light one; the next has to wait for longer.
 */
export function openRequestLimit(
  clock: Pick<Clock, "monotonicMs">,
  perSecond: number,
): (who: string, weight?: number) => void {
  const buckets = new Map<string, Bucket>();
  const most = perSecond * BURST_S;
  const leftNow = ({ left, atMs }: Bucket, nowMs: number): number =>
    Math.min(most, left + ((nowMs - atMs) / 1_000) * perSecond);
  return (who, weight = 1) => {
    const nowMs = clock.monotonicMs();
    const bucket = buckets.get(who) ?? { left: most, atMs: nowMs };
    const left = leftNow(bucket, nowMs);
    if (left < 1) {
      throw new GantryError("limit-reached", { who, limit: perSecond, what: "requests in a second", retryAfterS: 1 });
    }
    bucket.left = left - weight;
    bucket.atMs = nowMs;
    buckets.set(who, bucket);
    if (buckets.size <= MAX_CALLERS) return;
    for (const [name, one] of buckets) if (leftNow(one, nowMs) >= most - 1) buckets.delete(name);
  };
}
