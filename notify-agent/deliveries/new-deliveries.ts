// The deliveries that events ask for and that nobody has recorded yet.

import type { CompiledRule } from "@gantry/core/notify/compile-rules.ts";
import type { Journal, StreamAppend } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { type Delivery, deliveryId, deliveryStream, recordDelivery } from "./delivery.ts";
import { planDeliveries } from "./delivery-plan.ts";

export type NewDeliveriesDeps = {
  readonly journal: Journal;
  readonly rules: readonly CompiledRule[];
  readonly maxAgeMs: number;
  readonly portalUrl: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** In the order of the events; what rules could not compute is told to the log. */
export async function newDeliveries(
  deps: NewDeliveriesDeps,
  events: readonly FeedEvent[],
): Promise<readonly Delivery[]> {
  const { journal, logger, rules, maxAgeMs, portalUrl } = deps;
  const decision = planDeliveries(events, { rules, maxAgeMs, portalUrl, nowMs: deps.clock.nowMs() });
  for (const problem of decision.problems) logger.warn(problem, "a part of a rule could not be computed");
  if (decision.old > 0) logger.info({ events: decision.old }, "events were too old to be told");
  const fresh: Delivery[] = [];
  for (const wanted of decision.wanted) {
    if (await journal.load(deliveryStream(wanted.key))) continue;
    fresh.push({ ...wanted, id: deliveryId(await journal.now()) });
  }
  return fresh;
}

export function recordNewDeliveries(fresh: readonly Delivery[]): readonly StreamAppend[] {
  return fresh.map((delivery) => recordDelivery(delivery, 0, { kind: "DeliveryRecorded", key: delivery.key }));
}
