// GET /v1/pipelines

import { page, pipelineView } from "@gantry/wire/agent/views.ts";
import { sendJson } from "../http/answer.ts";
import { route } from "../http/route.ts";
import { json } from "../http/schemas.ts";

export const listPipelines = route({
  method: "GET",
  path: "/v1/pipelines",
  id: "listPipelines",
  tag: "pipelines",
  summary: "Pipelines, with the schema of their parameters",
  access: "viewer",
  verb: "see pipelines",
  answers: { 200: json("All of them", page(pipelineView)) },
  handle: async ({ ctx, portal }) => sendJson(ctx, await portal.agent.pipelines()),
});
