// GET /v1/polling: the git hosts that are polled, and how that goes.

import { pollingView } from "@gantry/wire/agent/triggers/polling.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { onInstallation } from "../access/guards/guards.ts";
import { sendUncached } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { json } from "../http/schemas.ts";

export const listPolling = route({
  method: "GET",
  path: "/v1/polling",
  id: "listPolling",
  tag: "webhooks",
  summary: "List the git hosts that Gantry polls, and what could not be read",
  // It names repositories of all apps.
  right: onInstallation("manage-settings"),
  verb: "see what is polled",
  responses: { 200: json("All sources", page(pollingView)) },
  handle: async ({ ctx, portal }) => sendUncached(ctx, await portal.agent.polling()),
});
