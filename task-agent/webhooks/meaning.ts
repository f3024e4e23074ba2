// What one delivery means: which apps it is about, and what is started for each.

import type { AppState } from "@gantry/core/task/model.ts";
import type { DeliveryFacts } from "@gantry/core/webhook/delivery.ts";
import { describeDelivery, repositoryOf, shownFacts } from "@gantry/core/webhook/describe.ts";
import { LATE_MS, sentAtOf } from "@gantry/core/webhook/read-delivery.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { appsOf } from "./apps-of.ts";
import type { DeliveryBody, DeliveryDecision, DeliveryResult, DeliveryState } from "./delivery-stream.ts";
import { factsOf } from "./facts-of.ts";

export type DecideDeps = {
  readonly journal: Journal;
  /** Starts what the facts start for an app. Never empty: it says why nothing was started. */
  readonly start: (delivery: DeliveryState, facts: DeliveryFacts, app: AppState) => Promise<readonly DeliveryResult[]>;
};

const NO_APP = "No app has this repository as its source.";
const NOT_ANY_MORE =
  "It is delivered again for the apps that it was about first, and it is about none of them any more.";

export async function decideDelivery(
  { journal, start }: DecideDeps,
  delivery: DeliveryState,
  raw: DeliveryBody,
): Promise<DeliveryDecision> {
  const facts = factsOf(delivery, raw);
  const all = await appsOf(journal, delivery, facts);
  // The right to deliver it again was checked for the apps of the first delivery only, not for apps that were added since.
  const wanted = delivery.redelivery?.apps;
  const apps = wanted ? all.filter(({ name }) => wanted.includes(name)) : all;
  const reason = whyNothing(delivery, facts, apps, sentAtOf(delivery.host, raw));
  const results: DeliveryResult[] = [];
  if (reason === undefined) for (const app of apps) results.push(...(await start(delivery, facts, app)));
  const repository = repositoryOf(facts);
  return {
    at: Math.floor((await journal.now()) / 1_000),
    summary: describeDelivery(facts),
    ...(repository === undefined ? {} : { repository }),
    facts: shownFacts(facts),
    apps: apps.map(({ name }) => name),
    results,
    ...(reason === undefined ? {} : { reason }),
  };
}

function whyNothing(
  { receivedAt, redelivery }: DeliveryState,
  facts: DeliveryFacts,
  apps: readonly AppState[],
  sentAt: number | undefined,
): string | undefined {
  if (facts.kind === "other") return facts.reason;
  if (facts.kind === "gate") return "No trigger is about quality gates: CI asks for them itself.";
  if (apps.length === 0 && redelivery?.apps) return NOT_ANY_MORE;
  if (apps.length === 0) return facts.kind === "image" ? "No app has this image." : NO_APP;
  if (!redelivery && sentAt !== undefined && receivedAt - sentAt > LATE_MS)
    return `It was sent at ${new Date(sentAt).toISOString()}, more than a day before it came. Deliver it again if it is to count.`;
  return undefined;
}
