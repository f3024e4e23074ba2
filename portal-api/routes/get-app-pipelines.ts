// GET /v1/apps/{app}/pipelines: what the buttons of an app start.

import { appPipelinesView } from "@gantry/wire/agent/app-pipelines.ts";
import { onApp } from "../access/guards/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import { sendJson } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { inApp, json } from "../http/schemas.ts";

export const getAppPipelines = route({
  method: "GET",
  path: "/v1/apps/{app}/pipelines",
  id: "getAppPipelines",
  tag: "apps",
  summary: "Get the pipelines of an app",
  description:
    "Which pipelines Run CI and Run CD start, which have buttons of their own, and what the app has brought itself in the folder `.gantry`.",
  right: onApp("view"),
  verb: "see apps",
  params: inApp,
  responses: { 200: json("The pipelines", appPipelinesView) },
  errors: ["app-unknown"],
  handle: async (call) => {
    const { portal, params } = call;
    const { others, ...view } = await portal.agent.appPipelines(params.app);
    const { pipeline } = visibilityOf(portal, callerOf(call));
    sendJson(call.ctx, { ...view, ...(others ? { others: others.filter(({ name }) => pipeline(name)) } : {}) });
  },
});
