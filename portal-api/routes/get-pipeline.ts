// GET /v1/pipelines/{name}

import { GantryError } from "@gantry/core/errors.ts";
import { pipelineName } from "@gantry/wire/agent/agent-api.ts";
import { pipelineView } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import { onPipeline } from "../access/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import { sendJson } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { json, name } from "../http/schemas.ts";

export const getPipeline = route({
  method: "GET",
  path: "/v1/pipelines/{name}",
  id: "getPipeline",
  tag: "pipelines",
  summary: "Get a pipeline",
  right: onPipeline,
  verb: "see pipelines",
  description: "With `app`, the names `ci` and `cd` mean what the buttons of this app start.",
  params: z.strictObject({ name: pipelineName }),
  query: z.strictObject({ app: name.optional() }),
  responses: { 200: json("The pipeline", pipelineView) },
  errors: ["app-unknown", "pipeline-unclear", "pipeline-unknown"],
  handle: async (call) => {
    const { ctx, portal, params, query } = call;
    const view = await portal.agent.pipeline(params.name, query);
    if (!visibilityOf(portal, callerOf(call)).pipeline(view.name))
      throw new GantryError("pipeline-unknown", { pipeline: params.name });
    sendJson(ctx, view);
  },
});
