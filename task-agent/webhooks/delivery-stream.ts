// How deliveries of webhooks are kept: what is listed, the body apart from it, and the keys by which a copy is recognised.

import type { JsonObject } from "@gantry/core/json.ts";
import type { WebhookHost } from "@gantry/core/webhook/delivery.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";

export type DeliveryResult = {
  readonly app: string;
  readonly pipeline?: string;
  readonly task?: string;
  readonly reason?: string;
};

/** What was decided. Absent in a delivery: it is still to be decided. */
export type DeliveryDecision = {
  /** Store time, ms. */
  readonly at: number;
  readonly summary: string;
  readonly repository?: string;
  readonly facts: JsonObject;
  readonly apps: readonly string[];
  readonly results: readonly DeliveryResult[];
  /** Why nothing was done for any app. */
  readonly reason?: string;
};

export type DeliveryState = {
  readonly id: string;
  /** Sorts by the order in which deliveries were received. */
  readonly order: string;
  readonly source: string;
  readonly host: WebhookHost;
  readonly system?: string;
  /** Gantry itself has found it: its body is not the host's. */
  readonly isPolled?: true;
  /** Store time, ms. */
  readonly receivedAt: number;
  readonly bytes: number;
  readonly keys: readonly string[];
  /** `apps`: those that the first one was about; absent: it was about none. */
  readonly redelivery?: { readonly of: string; readonly by: string; readonly apps?: readonly string[] };
  readonly decision?: DeliveryDecision;
};

export type DeliveryEvent = { readonly kind: "DeliveryReceived" | "DeliveryDecided" };

export const deliveryStream = defineStream<DeliveryState, DeliveryEvent>({
  prefix: "delivery/",
  index: ({ order, decision }) => ({
    deliveries: [order],
    "deliveries-open": decision ? [] : [order],
    "deliveries-by-app": decision?.apps.map((app) => `${app}/${order}`) ?? [],
  }),
});

/** A body can have a megabyte, so it is read only to decide. It has no events: it never changes. */
export type DeliveryBody = { readonly headers: { readonly [name: string]: string }; readonly body: string };
export const bodyStream = defineStream<DeliveryBody>({ prefix: "delivery-body/" });

/** One event each, so that the second of two copies that arrive together meets a conflict. */
export const deliveryKeyStream = defineStream<{ readonly delivery: string }>({ prefix: "delivery-key/" });
