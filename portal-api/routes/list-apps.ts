// GET /v1/apps

import { appView, page } from "@gantry/wire/agent/views.ts";
import { sendJson } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { json, pageQuery } from "../http/schemas.ts";

export const listApps = route({
  method: "GET",
  path: "/v1/apps",
  id: "listApps",
  tag: "apps",
  summary: "List apps",
  access: "viewer",
  verb: "see apps",
  query: pageQuery,
  responses: { 200: json("A page of apps", page(appView)) },
  handle: async ({ ctx, portal, query }) => sendJson(ctx, await portal.agent.apps({ limit: 200, ...query })),
});
