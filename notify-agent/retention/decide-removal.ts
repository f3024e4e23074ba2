// Which deliveries may be removed from the journal. Pure.

import type { DeliveryRetention } from "@gantry/core/retention/policy.ts";
import type { Delivery } from "../deliveries/delivery.ts";

export const DAY_MS = 86_400_000;

/**
 * A delivery in the journal prevents a second message with the same key, so it must stay as long as an event with that key
 * may still arrive. Events older than `maxAgeMs` are ignored. A rule that sends once per app or site may match any later
 * task, so its deliveries are never removed.
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
