// What a delivery says: in the form of its host, or found by polling.

import type { DeliveryFacts, PushFacts } from "@gantry/core/webhook/delivery.ts";
import { readDelivery } from "@gantry/core/webhook/read-delivery.ts";
import type { DeliveryBody, DeliveryState } from "./delivery-stream.ts";

/** Never throws for what came from outside. */
export function factsOf(
  { host, isPolled }: Pick<DeliveryState, "host" | "isPolled">,
  raw: DeliveryBody,
): DeliveryFacts {
  // task-agent/polling wrote it, after it had checked what the runner handed over.
  return isPolled ? (JSON.parse(raw.body) as PushFacts) : readDelivery(host, raw);
}
