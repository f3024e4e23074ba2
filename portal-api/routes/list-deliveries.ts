// GET /v1/deliveries, from the notify-agent

import { GantryError } from "@gantry/core/errors.ts";
import { deliveryView, page } from "@gantry/wire/agent/views.ts";
import { sendJson } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { json, pageQuery } from "../http/schemas.ts";

export const listDeliveries = route({
  method: "GET",
  path: "/v1/deliveries",
  id: "listDeliveries",
  tag: "notifications",
  summary: "List notifications and whether they were delivered, newest first",
  access: "viewer",
  verb: "see deliveries",
  query: pageQuery,
  responses: { 200: json("A page of deliveries", page(deliveryView)) },
  handle: async ({ ctx, portal, query }) => {
    if (!portal.notify) {
      throw new GantryError("unavailable", { what: "notify-agent", problem: "The portal's configuration names none." });
    }
    sendJson(ctx, await portal.notify.deliveries({ limit: 50, ...query }));
  },
});
