// The state of a delivery after one attempt to send it. Pure.

import type { SendResult } from "@gantry/core/notify/channel.ts";
import { backoffMs } from "@gantry/runtime/backoff.ts";
import type { Delivery } from "./delivery.ts";

export type DeliveryPolicy = {
  readonly firstRetryMs: number;
  readonly maxRetryMs: number;
  readonly maxTries: number;
  /** From the time at which the delivery was created. */
  readonly giveUpAfterMs: number;
  /** The timeout of one attempt. */
  readonly sendMs: number;
};

/** `random` (0 to 1) spreads retries: the delay is between half and all of a value that doubles with every attempt. */
export function decideRetry(
  delivery: Delivery,
  result: SendResult,
  nowMs: number,
  random: number,
  policy: DeliveryPolicy,
): Delivery {
  const tried = { ...delivery, tries: delivery.tries + 1, nextTryMs: null };
  if (result.kind === "delivered") {
    return { ...tried, state: "delivered", deliveredMs: nowMs, problem: null, ref: result.ref ?? null };
  }
  if (result.kind === "refused") return { ...tried, state: "refused", problem: result.problem };

  const backoff = { firstMs: policy.firstRetryMs, maxMs: policy.maxRetryMs, jitter: "half" } as const;
  const delayMs = Math.max(Math.round(backoffMs(backoff, tried.tries, random)), result.afterMs ?? 0);
  const last = delivery.createdMs + policy.giveUpAfterMs;
  if (tried.tries >= policy.maxTries || nowMs + delayMs > last) {
    return { ...tried, state: "given-up", problem: result.problem };
  }
  return { ...tried, nextTryMs: nowMs + delayMs, problem: result.problem };
}
