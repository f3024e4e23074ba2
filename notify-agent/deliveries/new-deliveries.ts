// The deliveries that events require and that have not been recorded yet.

import type { CompiledRule } from "@gantry/core/notify/compile-rules.ts";
import type { Journal, StreamAppend } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { DELIVERY_STREAMS, type Delivery, deliveryId, recordDelivery, streamIdOf } from "./delivery.ts";
import { planDeliveries } from "./delivery-plan.ts";

export type NewDeliveriesDeps = {
  readonly journal: Journal;
  /** Those in force now. */
  readonly rules: () => readonly CompiledRule[];
  readonly maxAgeMs: number;
  readonly portalUrl: string | undefined;
  /** Whether the configuration has `callbacks`. */
  readonly hasCallbacks: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** In the order of the events. Rules that could not be evaluated are logged. */
export async function newDeliveries(
  deps: NewDeliveriesDeps,
  events: readonly FeedEvent[],
): Promise<readonly Delivery[]> {
  const { journal, logger, rules, maxAgeMs, portalUrl, hasCallbacks } = deps;
  const terms = { rules: rules(), maxAgeMs, portalUrl, hasCallbacks };
  const plan = planDeliveries(events, { ...terms, nowMs: deps.clock.nowMs() });
  for (const problem of plan.problems) logger.warn(problem, "a part of a rule could not be evaluated");
  if (plan.old > 0) logger.info({ events: plan.old }, "events were ignored because they are too old");
  const added: Delivery[] = [];
  for (const wanted of plan.wanted) {
    if (await DELIVERY_STREAMS.load(journal, streamIdOf(wanted.key))) continue;
    added.push({ ...wanted, id: deliveryId(await journal.now()) });
  }
  return added;
}

export function recordNewDeliveries(deliveries: readonly Delivery[]): readonly StreamAppend[] {
  return deliveries.map((delivery) => recordDelivery(delivery, 0, { kind: "DeliveryRecorded", key: delivery.key }));
}
