// GET /v1/apps

import { appView, page } from "@gantry/wire/views.ts";
import { sendJson } from "../answer.ts";
import { route } from "../route.ts";
import { json } from "../schemas.ts";

export const listApps = route({
  method: "GET",
  path: "/v1/apps",
  id: "listApps",
  tag: "apps",
  summary: "Apps",
  access: "viewer",
  verb: "see apps",
  answers: { 200: json("All of them", page(appView)) },
  handle: async ({ ctx, portal }) => sendJson(ctx, await portal.agent.apps()),
});
