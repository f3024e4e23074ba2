// GET /v1/sites

import { page, siteView } from "@gantry/wire/views.ts";
import { sendJson } from "../answer.ts";
import { route } from "../route.ts";
import { json } from "../schemas.ts";

export const listSites = route({
  method: "GET",
  path: "/v1/sites",
  id: "listSites",
  tag: "sites",
  summary: "Sites, with their runners, systems and queues",
  access: "viewer",
  verb: "see sites",
  answers: { 200: json("All of them", page(siteView)) },
  handle: async ({ ctx, portal }) => sendJson(ctx, await portal.agent.sites()),
});
