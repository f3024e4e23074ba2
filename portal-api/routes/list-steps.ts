// GET /v1/steps

import { page, stepDescription } from "@gantry/wire/agent/views.ts";
import { sendJson } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { json } from "../http/schemas.ts";

export const listSteps = route({
  method: "GET",
  path: "/v1/steps",
  id: "listSteps",
  tag: "pipelines",
  summary: "List the steps that pipelines can use",
  right: "signed-in",
  verb: "see steps",
  responses: { 200: json("All steps", page(stepDescription)) },
  handle: async ({ ctx, portal }) => sendJson(ctx, await portal.agent.steps()),
});
