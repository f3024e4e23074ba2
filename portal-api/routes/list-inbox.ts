// GET /v1/inbox, from the notify-agent

import { page } from "@gantry/wire/agent/views.ts";
import { inboxItem } from "@gantry/wire/notify/views.ts";
import { listOf } from "../access/guards/guards.ts";
import { route } from "../http/route.ts";
import { json, pageQuery } from "../http/schemas.ts";
import { sendNotifications } from "./notification-page.ts";

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
  handle: (call) => sendNotifications(call, ({ inbox }) => inbox),
});
