// GET /v1/me: who the caller is, and their role.

import { sendJson } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { json, meView } from "../http/schemas.ts";
import { VERSION } from "../version.ts";

export const getMe = route({
  method: "GET",
  path: "/v1/me",
  id: "getMe",
  tag: "access",
  summary: "Get the name and role of the caller",
  access: "viewer",
  verb: "see their own name and role",
  responses: { 200: json("The caller", meView) },
  handle: (call) => {
    const { name, role, via } = callerOf(call);
    sendJson(call.ctx, { name, role, via, version: VERSION, feedUp: call.portal.hub.isUp() });
  },
});
