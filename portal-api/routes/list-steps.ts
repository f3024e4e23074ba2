// GET /v1/steps

import { page, stepDescription } from "@gantry/wire/agent/views.ts";
import { sendJson } from "../http/answer.ts";
import { route } from "../http/route.ts";
import { json } from "../http/schemas.ts";

export const listSteps = route({
  method: "GET",
  path: "/v1/steps",
  id: "listSteps",
  tag: "pipelines",
  summary: "Steps that pipelines may use",
  access: "viewer",
  verb: "see steps",
  answers: { 200: json("All of them", page(stepDescription)) },
  handle: async ({ ctx, portal }) => sendJson(ctx, await portal.agent.steps()),
});
