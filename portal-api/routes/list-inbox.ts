// GET /v1/inbox, from the notify-agent

import { GantryError } from "@gantry/core/errors.ts";
import { inboxItem, page } from "@gantry/wire/agent/views.ts";
import { listOf } from "../access/guards.ts";
import { sightOf, visiblePage } from "../access/visible.ts";
import { sendVisible } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { json, pageQuery } from "../http/schemas.ts";

export const listInbox = route({
  method: "GET",
  path: "/v1/inbox",
  id: "listInbox",
  tag: "notifications",
  summary: "List the messages in the inbox, newest first",
  right: listOf("view"),
  verb: "see inbox",
  query: pageQuery,
  responses: { 200: json("A page of messages", page(inboxItem)) },
  handle: async (call) => {
    const { ctx, portal, query } = call;
    const { notify } = portal;
    if (!notify) {
      throw new GantryError("unavailable", { what: "notify-agent", problem: "The portal's configuration names none." });
    }
    const sight = sightOf(portal, callerOf(call));
    // A message without a task and an app is about the installation: a test of a channel.
    const found = sight.none
      ? { items: [] }
      : await visiblePage(sight, { limit: 50, ...query }, notify.inbox, sight.task);
    await sendVisible(ctx, sight, found);
  },
});
