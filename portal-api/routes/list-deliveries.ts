// GET /v1/deliveries, from the notify-agent

import { page } from "@gantry/wire/agent/views.ts";
import { deliveryView } from "@gantry/wire/notify/views.ts";
import { listOf } from "../access/guards/guards.ts";
import { route } from "../http/route.ts";
import { json, pageQuery } from "../http/schemas.ts";
import { sendNotifications } from "./notification-page.ts";

export const listDeliveries = route({
  method: "GET",
  path: "/v1/deliveries",
  id: "listDeliveries",
  tag: "notifications",
  summary: "List notifications and whether they were delivered, newest first",
  right: listOf("view"),
  verb: "see deliveries",
  query: pageQuery,
  responses: { 200: json("A page of deliveries", page(deliveryView)) },
  handle: (call) => sendNotifications(call, ({ deliveries }) => deliveries),
});
