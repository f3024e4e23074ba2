// GET /v1/deliveries, from the notify-agent

import { GantryError } from "@gantry/core/errors.ts";
import { deliveryView, page } from "@gantry/wire/agent/views.ts";
import { listOf } from "../access/guards.ts";
import { sightOf, visiblePage } from "../access/visible.ts";
import { sendVisible } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { json, pageQuery } from "../http/schemas.ts";

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
  handle: async (call) => {
    const { ctx, portal, query } = call;
    const { notify } = portal;
    if (!notify) {
      throw new GantryError("unavailable", { what: "notify-agent", problem: "The portal's configuration names none." });
    }
    const sight = sightOf(portal, callerOf(call));
    // A delivery without a task and an app is about the installation: a test of a channel.
    const found = sight.none
      ? { items: [] }
      : await visiblePage(sight, { limit: 50, ...query }, notify.deliveries, sight.task);
    await sendVisible(ctx, sight, found);
  },
});
