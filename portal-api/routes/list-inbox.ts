// GET /v1/inbox, from the notify-agent

import { GantryError } from "@gantry/core/errors.ts";
import { inboxItem, page } from "@gantry/wire/agent/views.ts";
import { sendJson } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { json, pageQuery } from "../http/schemas.ts";

export const listInbox = route({
  method: "GET",
  path: "/v1/inbox",
  id: "listInbox",
  tag: "notifications",
  summary: "List the messages in the inbox, newest first",
  access: "viewer",
  verb: "see inbox",
  query: pageQuery,
  responses: { 200: json("A page of messages", page(inboxItem)) },
  handle: async ({ ctx, portal, query }) => {
    if (!portal.notify) {
      throw new GantryError("unavailable", { what: "notify-agent", problem: "The portal's configuration names none." });
    }
    sendJson(ctx, await portal.notify.inbox({ limit: 50, ...query }));
  },
});
