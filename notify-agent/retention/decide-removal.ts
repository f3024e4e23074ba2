// Which deliveries may leave the journal. Pure.

import type { DeliveryRetention } from "@gantry/core/retention/policy.ts";
import type { Delivery } from "../deliveries/delivery.ts";

export const DAY_MS = 86_400_000;

/**
 * A delivery is also the proof that something was said: it must stay for as long as an event could ask for it again. Events
 * older than `maxAgeMs` ask for nothing. A rule that speaks once per something larger than a task (an app, a site) may be
 * asked by any later task, so what it said stays for good.
 */
export function mayBeRemoved(
  delivery: Pick<Delivery, "key" | "task" | "state" | "createdMs" | "atMs">,
  terms: { readonly policy: DeliveryRetention; readonly maxAgeMs: number; readonly nowMs: number },
): boolean {
  if (!terms.policy.enabled || delivery.state === "pending") return false;
  if (!delivery.key.includes(delivery.task)) return false;
  const keptMs = Math.max(terms.policy.days * DAY_MS, terms.maxAgeMs + DAY_MS);
  return terms.nowMs - Math.max(delivery.createdMs, delivery.atMs) >= keptMs;
}
