// GET /v1/steps

import { page, stepDescription } from "@gantry/wire/views.ts";
import { sendJson } from "../answer.ts";
import { route } from "../route.ts";
import { json } from "../schemas.ts";

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
