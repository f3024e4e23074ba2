// GET /v1/runners

import { page, runnerView } from "@gantry/wire/agent/views.ts";
import { sendJson } from "../http/answer.ts";
import { route } from "../http/route.ts";
import { json } from "../http/schemas.ts";

export const listRunners = route({
  method: "GET",
  path: "/v1/runners",
  id: "listRunners",
  tag: "sites",
  summary: "Runners of all sites",
  access: "viewer",
  verb: "see runners",
  answers: { 200: json("All of them", page(runnerView)) },
  handle: async ({ ctx, portal }) => sendJson(ctx, await portal.agent.runners()),
});
