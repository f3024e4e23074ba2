// Deliveries of webhooks: what a git host, Harbor or SonarQube has told, and what was done because of it.

import { WEBHOOK_HOSTS } from "@gantry/core/webhook/delivery.ts";
import { z } from "zod";

/** Of a body as its sender has sent it. */
export const MAX_DELIVERY_BYTES = 1_048_576;
/** As JSON, a body can be twice as long, and a little more for the rest. */
export const MAX_RECEIVED_BYTES = 2 * MAX_DELIVERY_BYTES + 65_536;

export const sourceName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "must have small letters, digits and -");

/** Sent by the portal, which has checked who sent it. */
export const receiveDelivery = z.strictObject({
  source: sourceName,
  host: z.enum(WEBHOOK_HOSTS),
  /** The name of the system in the records of apps. */
  system: z.string().min(1).max(100).optional(),
  /** Names in lower case. Never one that holds a secret. */
  headers: z.record(z.string().max(100), z.string().max(1_000)),
  body: z.string().max(MAX_DELIVERY_BYTES),
  /** A delivery with one of these keys was received before: nothing is done. */
  keys: z
    .array(z.string().regex(/^[0-9a-f]{64}$/))
    .min(1)
    .max(4),
});
export type ReceiveDelivery = z.output<typeof receiveDelivery>;

export const deliveryReceived = z.object({ id: z.string(), isNew: z.boolean() });

export const redeliver = z.strictObject({ principal: z.string().min(1).max(200) });

export const DELIVERY_STATES = ["pending", "started", "nothing"] as const;

const result = z.object({
  app: z.string(),
  pipeline: z.string().optional(),
  task: z.string().optional().describe("The task that was started"),
  reason: z.string().optional().describe("Why nothing was started, or what else is to be known"),
});

export const webhookDelivery = z
  .object({
    id: z.string(),
    source: z.string(),
    host: z.enum(WEBHOOK_HOSTS),
    polled: z.literal(true).optional().describe("No webhook told it: Gantry has found it by polling the host"),
    receivedAt: z.iso.datetime(),
    decidedAt: z.iso.datetime().optional(),
    bytes: z.int().describe("Of the body"),
    state: z.enum(DELIVERY_STATES).describe("pending: it was received and is not decided yet"),
    summary: z.string().optional().describe("What it says, as a sentence"),
    repository: z.string().optional().describe("Of which it tells; an image, or a project of SonarQube"),
    apps: z.array(z.string()).describe("The apps that it is about"),
    results: z.array(result),
    reason: z.string().optional().describe("Why nothing was done for any app"),
    facts: z.record(z.string(), z.json()).optional().describe("What was read in it; not in lists"),
    redeliveryOf: z.string().optional(),
    redeliveredBy: z.string().optional(),
  })
  .meta({ id: "WebhookDelivery" });
export type WebhookDelivery = z.output<typeof webhookDelivery>;
