// GET /v1/apps/{app}/builds

import { buildView, page } from "@gantry/wire/agent/views.ts";
import { onApp } from "../access/guards/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import { sendVisible } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { inApp, json, pageQuery } from "../http/schemas.ts";

export const listBuilds = route({
  method: "GET",
  path: "/v1/apps/{app}/builds",
  id: "listBuilds",
  tag: "apps",
  summary: "List the builds of an app",
  description: "Newest first. Every CI that passed is a build; CD deploys builds.",
  right: onApp("view"),
  verb: "see apps",
  params: inApp,
  query: pageQuery,
  responses: { 200: json("A page of builds", page(buildView)) },
  errors: ["app-unknown"],
  handle: async (call) => {
    const { ctx, portal, params, query } = call;
    const builds = await portal.agent.builds(params.app, { limit: 50, ...query });
    await sendVisible(ctx, visibilityOf(portal, callerOf(call)), builds);
  },
});
