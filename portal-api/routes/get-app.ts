// GET /v1/apps/{app}

import { appView } from "@gantry/wire/agent/views.ts";
import { sendJson } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { inApp, json } from "../http/schemas.ts";

export const getApp = route({
  method: "GET",
  path: "/v1/apps/{app}",
  id: "getApp",
  tag: "apps",
  summary: "Get an app, with its record and its newest tasks",
  access: "viewer",
  verb: "see apps",
  params: inApp,
  responses: { 200: json("The app", appView) },
  errors: ["app-unknown"],
  handle: async ({ ctx, portal, params }) => sendJson(ctx, await portal.agent.app(params.app)),
});
