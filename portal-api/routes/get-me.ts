// GET /v1/me: who the caller is, and their role.

import { mayAnywhere } from "../access/may.ts";
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
  right: "signed-in",
  verb: "see their own name and role",
  responses: { 200: json("The caller", meView) },
  handle: (call) => {
    const caller = callerOf(call);
    const { name, role, via } = caller;
    const may = mayAnywhere(call.portal.rights.of(caller));
    sendJson(call.ctx, { name, role, via, ...may, version: VERSION, feedUp: call.portal.hub.isUp() });
  },
});
