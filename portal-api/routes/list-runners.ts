// GET /v1/runners

import { page, runnerView } from "@gantry/wire/views.ts";
import { sendJson } from "../answer.ts";
import { route } from "../route.ts";
import { json } from "../schemas.ts";

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
