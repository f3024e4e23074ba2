// `gantry webhook list`, `show` and `redeliver`

import { DELIVERY_STATES, type WebhookDelivery, webhookDelivery } from "@gantry/wire/agent/triggers/webhooks.ts";
import { checkOneOf, numberOf } from "../line/parse-line.ts";
import { firstItems } from "../portal/pages.ts";
import { shortTime, textTable } from "../print/text-table.ts";
import type { Call, Outcome } from "../table/command.ts";

type Flags = {
  readonly app: string | undefined;
  readonly source: string | undefined;
  readonly state: string | undefined;
  readonly limit: string | undefined;
};

export async function listDeliveries({ portal, flags }: Call<Flags, readonly []>): Promise<Outcome> {
  const { app, source, state } = flags;
  if (state !== undefined) checkOneOf("The state", state, [...DELIVERY_STATES]);
  const limit = numberOf("limit", flags.limit ?? "20", 1, 200);
  const items = await firstItems(portal(), "/v1/webhook-deliveries", webhookDelivery, limit, { app, source, state });
  if (items.length === 0)
    return { value: items, text: "No delivery matches. docs/webhooks.md says how to configure a webhook.\n" };
  const table = textTable(
    ["DELIVERY", "RECEIVED (UTC)", "SOURCE", "APPS", "WHAT", "DONE"],
    items.map((one) => [
      one.id,
      shortTime(one.receivedAt),
      one.source,
      one.apps.join(", "),
      (one.summary ?? "").slice(0, 60),
      doneInWords(one).slice(0, 80),
    ]),
  );
  return { value: items, text: `${table}\n\`gantry webhook show DELIVERY\` says all that was done, and why.\n` };
}

/** The task, or the first reason why there is none. */
function doneInWords({ state, reason, results }: WebhookDelivery): string {
  const started = results.filter(({ task }) => task !== undefined);
  if (state === "pending") return "not decided yet";
  if (started.length === 0) return reason ?? results[0]?.reason ?? "";
  const [first] = started;
  return `started ${first?.pipeline} of ${first?.app}${started.length > 1 ? `, and ${started.length - 1} more` : ""}`;
}

export async function showDelivery({ portal, args: [id] }: Call<object, readonly [string]>): Promise<Outcome> {
  const delivery = await portal().get(pathOf(id), webhookDelivery);
  return { value: delivery, text: inWords(delivery) };
}

export async function redeliver({ portal, args: [id] }: Call<object, readonly [string]>): Promise<Outcome> {
  const delivery = await portal().post(`${pathOf(id)}/redeliver`, {}, webhookDelivery);
  return { value: delivery, text: `${delivery.id}\n\`gantry webhook show ${delivery.id}\` says what it started.\n` };
}

function pathOf(id: string): string {
  return `/v1/webhook-deliveries/${encodeURIComponent(id)}`;
}

function inWords(delivery: WebhookDelivery): string {
  const { id, source, host, polled, receivedAt, bytes, summary, repository, reason, redeliveryOf, redeliveredBy } =
    delivery;
  const facts = [
    ["source", polled ? `${source} (polling of ${host})` : `${source} (${host})`],
    ["received", `${shortTime(receivedAt)} UTC, ${bytes} bytes`],
    ...(redeliveryOf === undefined ? [] : [["again", `the delivery ${redeliveryOf}, by ${redeliveredBy}`]]),
    ...(repository === undefined ? [] : [["about", repository]]),
    ["what", summary ?? "not decided yet"],
    ...(reason === undefined ? [] : [["nothing", reason]]),
  ];
  const lines = facts.map(([name = "", value]) => `${name.padEnd(9)} ${value}\n`).join("");
  return `${id}\n${lines}${delivery.results.map(resultInWords).join("")}`;
}

function resultInWords({ app, pipeline, task, reason }: WebhookDelivery["results"][number]): string {
  const what = [pipeline, task].filter((one) => one !== undefined).join(" ");
  return `  ${app}: ${[what, reason].filter((one) => one !== undefined && one !== "").join(": ")}\n`;
}
