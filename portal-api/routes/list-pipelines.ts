// GET /v1/pipelines

import { page, pipelineView } from "@gantry/wire/agent/views.ts";
import { sendJson } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { json } from "../http/schemas.ts";

export const listPipelines = route({
  method: "GET",
  path: "/v1/pipelines",
  id: "listPipelines",
  tag: "pipelines",
  summary: "List pipelines, with the schemas of their parameters",
  access: "viewer",
  verb: "see pipelines",
  responses: { 200: json("All pipelines", page(pipelineView)) },
  handle: async ({ ctx, portal }) => sendJson(ctx, await portal.agent.pipelines()),
});
