// GET /v1/me: who am I, and what may I do?

import { sendJson } from "../http/answer.ts";
import { callerOf, route } from "../http/route.ts";
import { json, meView } from "../http/schemas.ts";
import { VERSION } from "../version.ts";

export const getMe = route({
  method: "GET",
  path: "/v1/me",
  id: "getMe",
  tag: "access",
  summary: "Who is signed in",
  access: "viewer",
  verb: "see who they are",
  answers: { 200: json("The caller", meView) },
  handle: (call) => {
    const { name, role, via } = callerOf(call);
    sendJson(call.ctx, { name, role, via, version: VERSION, feedUp: call.portal.hub.isUp() });
  },
});
