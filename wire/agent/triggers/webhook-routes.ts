// The routes of `/agent/v1` about deliveries of webhooks. Part of routes.ts.

import { route } from "@gantry/runtime/http/route.ts";
import { z } from "zod";
import { pageQuery, someApps } from "../queries.ts";
import { page } from "../views.ts";
import { pollingView } from "./polling.ts";
import {
  DELIVERY_STATES,
  deliveryReceived,
  MAX_RECEIVED_BYTES,
  receiveDelivery,
  redeliver,
  sourceName,
  webhookDelivery,
} from "./webhooks.ts";

export const DELIVERY_ROUTES = {
  /** Durable when it is answered. The portal has checked who has sent it. */
  receiveDelivery: route({
    method: "POST",
    path: "/webhook-deliveries",
    body: receiveDelivery,
    bodyLimit: MAX_RECEIVED_BYTES,
    answer: deliveryReceived,
    status: 202,
    errors: ["conflict"],
  }),
  /** Of all apps, or of `apps`. Newest first. A page may have fewer than `limit` although there are more. */
  deliveries: route({
    method: "GET",
    path: "/webhook-deliveries",
    query: pageQuery.extend({
      apps: someApps,
      source: sourceName.optional(),
      state: z.enum(DELIVERY_STATES).optional(),
    }),
    answer: page(webhookDelivery),
  }),
  delivery: route({
    method: "GET",
    path: "/webhook-deliveries/{id}",
    answer: webhookDelivery,
    errors: ["not-found"],
  }),
  polling: route({ method: "GET", path: "/polling", answer: page(pollingView) }),
  /** Answers the new delivery. */
  redeliver: route({
    method: "POST",
    path: "/webhook-deliveries/{id}/redeliver",
    body: redeliver,
    answer: webhookDelivery,
    status: 202,
    errors: ["conflict", "not-found"],
  }),
};
