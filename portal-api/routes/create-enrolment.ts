// POST /v1/enrolments

import { enrolmentView } from "@gantry/wire/agent/agent-api.ts";
import { z } from "zod";
import { sendUncached } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { json, name } from "../http/schemas.ts";

export const createEnrolment = route({
  method: "POST",
  path: "/v1/enrolments",
  id: "createEnrolment",
  tag: "sites",
  summary: "Create a one-time token with which a runner enrols",
  description:
    "It is valid for ten minutes, for one runner of this site. Only this response contains the token itself.",
  access: "admin",
  verb: "enrol runners",
  body: z.strictObject({ site: name }),
  responses: { 201: json("The token", enrolmentView.meta({ id: "Enrolment" })) },
  handle: async (call) => {
    const enrolment = await call.portal.agent.createEnrolment({ ...call.body, principal: callerOf(call).name });
    call.ctx.status = 201;
    sendUncached(call.ctx, enrolment);
  },
});
