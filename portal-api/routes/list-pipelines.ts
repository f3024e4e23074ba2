// GET /v1/pipelines

import { page, pipelineView } from "@gantry/wire/agent/views.ts";
import { listOf } from "../access/guards/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import { sendJson } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { json } from "../http/schemas.ts";
import { withVisibleSites } from "./get-pipeline.ts";

export const listPipelines = route({
  method: "GET",
  path: "/v1/pipelines",
  id: "listPipelines",
  tag: "pipelines",
  summary: "List pipelines, with the schemas of their parameters",
  right: listOf("view-pipelines"),
  verb: "see pipelines",
  responses: { 200: json("All pipelines", page(pipelineView)) },
  handle: async (call) => {
    const visibility = visibilityOf(call.portal, callerOf(call));
    const { items } = await call.portal.agent.pipelines();
    sendJson(call.ctx, {
      items: items.filter(({ name }) => visibility.pipeline(name)).map((one) => withVisibleSites(visibility, one)),
    });
  },
});
