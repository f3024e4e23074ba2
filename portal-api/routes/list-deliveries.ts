// GET /v1/deliveries, from the notify-agent

import { GantryError } from "@gantry/core/errors.ts";
import { deliveryView, page } from "@gantry/wire/agent/views.ts";
import { sendJson } from "../http/answer.ts";
import { route } from "../http/route.ts";
import { json, pageQuery } from "../http/schemas.ts";

export const listDeliveries = route({
  method: "GET",
  path: "/v1/deliveries",
  id: "listDeliveries",
  tag: "notifications",
  summary: "Messages to people and how their delivery went, newest first",
  access: "viewer",
  verb: "see deliveries",
  query: pageQuery,
  answers: { 200: json("A page of them", page(deliveryView)) },
  handle: async ({ ctx, portal, query }) => {
    if (!portal.notify) {
      throw new GantryError("unavailable", { what: "notify-agent", problem: "The portal's configuration names none." });
    }
    sendJson(ctx, await portal.notify.deliveries({ limit: 50, ...query }));
  },
});
