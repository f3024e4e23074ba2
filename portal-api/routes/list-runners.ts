// GET /v1/runners

import { page, runnerView } from "@gantry/wire/agent/views.ts";
import { sendJson } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { json } from "../http/schemas.ts";

export const listRunners = route({
  method: "GET",
  path: "/v1/runners",
  id: "listRunners",
  tag: "sites",
  summary: "List the runners of all sites",
  access: "viewer",
  verb: "see runners",
  responses: { 200: json("All runners", page(runnerView)) },
  handle: async ({ ctx, portal }) => sendJson(ctx, await portal.agent.runners()),
});
