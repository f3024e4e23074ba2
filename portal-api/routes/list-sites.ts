// GET /v1/sites

import { page, siteView } from "@gantry/wire/agent/views.ts";
import { sendJson } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { json } from "../http/schemas.ts";

export const listSites = route({
  method: "GET",
  path: "/v1/sites",
  id: "listSites",
  tag: "sites",
  summary: "List sites, with their runners, systems and queues",
  access: "viewer",
  verb: "see sites",
  responses: { 200: json("All sites", page(siteView)) },
  handle: async ({ ctx, portal }) => sendJson(ctx, await portal.agent.sites()),
});
