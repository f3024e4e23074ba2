// GET /v1/pipelines/{name}

import { pipelineView } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import { onPipeline } from "../access/guards.ts";
import { sendJson } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { json, name } from "../http/schemas.ts";

export const getPipeline = route({
  method: "GET",
  path: "/v1/pipelines/{name}",
  id: "getPipeline",
  tag: "pipelines",
  summary: "Get a pipeline",
  right: onPipeline,
  verb: "see pipelines",
  params: z.strictObject({ name }),
  responses: { 200: json("The pipeline", pipelineView) },
  errors: ["pipeline-unknown"],
  handle: async ({ ctx, portal, params }) => sendJson(ctx, await portal.agent.pipeline(params.name)),
});
