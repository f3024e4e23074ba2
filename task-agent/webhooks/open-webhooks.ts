// Webhooks at the task-agent: deliveries are received, and decided afterwards.

import { keyOfFacts } from "@gantry/core/webhook/apps.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { indexSources } from "./apps-of.ts";
import { type Deliveries, type DeliveriesDeps, openDeliveries } from "./deliveries.ts";
import { factsOf } from "./facts-of.ts";
import { type DecideDeps, decideDelivery } from "./meaning.ts";
import { type Decider, openDecider } from "./open-decider.ts";

export type OpenWebhooksDeps = {
  readonly journal: Journal;
  readonly newId: () => string;
  readonly admit: DeliveriesDeps["admit"];
  readonly start: DecideDeps["start"];
  readonly onError: (error: unknown, what: string) => void;
};

/** Deliveries that were received before and not decided are decided now. Rejects when the store fails. */
export async function openWebhooks({
  journal,
  newId,
  admit,
  start,
  onError,
}: OpenWebhooksDeps): Promise<Decider & { readonly deliveries: Deliveries }> {
  await indexSources(journal);
  const decide: Parameters<typeof openDecider>[0]["decide"] = (delivery, body) =>
    decideDelivery({ journal, start }, delivery, body);
  const laneOf: Parameters<typeof openDecider>[0]["laneOf"] = (delivery, body) =>
    keyOfFacts(factsOf(delivery, body)) ?? delivery.id;
  const decider = openDecider({ journal, laneOf, decide, onError });
  decider.wake();
  return { ...decider, deliveries: openDeliveries({ journal, newId, admit, onReceived: decider.wake }) };
}
