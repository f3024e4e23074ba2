// GET /v1/pipelines/{name}

import { GantryError } from "@gantry/core/errors.ts";
import { pipelineName } from "@gantry/wire/agent/agent-api.ts";
import { type PipelineView, pipelineView } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import { onPipeline } from "../access/guards/guards.ts";
import { type Visibility, visibilityOf } from "../access/visible.ts";
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
    const visibility = visibilityOf(portal, callerOf(call));
    if (!visibility.pipeline(view.name)) throw new GantryError("pipeline-unknown", { pipeline: params.name });
    sendJson(ctx, withVisibleSites(visibility, view));
  },
});

type Params = PipelineView["params"];

/** Forms suggest all sites and clusters that are known; here without those of sites that the caller may not see. */
export function withVisibleSites(visibility: Visibility, view: PipelineView): PipelineView {
  const { properties } = view.params;
  if (!isMap(properties)) return view;
  const shown = Object.entries(properties).map(([name, param]): [string, Params[string]] => [
    name,
    isMap(param) ? withVisibleExamples(visibility, param) : param,
  ]);
  return { ...view, params: { ...view.params, properties: Object.fromEntries(shown) } };
}

/** A target of a new app is SITE/CLUSTER. */
function withVisibleExamples({ site }: Visibility, param: Params): Params {
  const { examples, "x-ui": ui } = param;
  if (!Array.isArray(examples) || (ui !== "site" && ui !== "target")) return param;
  return { ...param, examples: examples.filter((one) => typeof one === "string" && site(one.split("/")[0] ?? one)) };
}

function isMap(value: Params[string] | undefined): value is Params {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
