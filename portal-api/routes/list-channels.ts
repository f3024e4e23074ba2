// GET /v1/channels, from the notify-agent

import { page } from "@gantry/wire/agent/views.ts";
import { channelView } from "@gantry/wire/notify/views.ts";
import { onInstallation } from "../access/guards/guards.ts";
import { sendJson } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { json } from "../http/schemas.ts";

export const listChannels = route({
  method: "GET",
  path: "/v1/channels",
  id: "listChannels",
  tag: "notifications",
  summary: "List the channels for notifications, and which of them check no certificates",
  right: onInstallation("manage-settings"),
  verb: "see channels",
  responses: { 200: json("All channels", page(channelView)) },
  handle: async ({ ctx, portal: { notify } }) => sendJson(ctx, notify ? await notify.channels() : { items: [] }),
});
