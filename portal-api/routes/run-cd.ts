// POST /v1/apps/{app}/cd: the button "Run CD".

import { z } from "zod";
import { sendAccepted } from "../answer.ts";
import { callerOf, route } from "../route.ts";
import { accepted, inApp, params } from "../schemas.ts";

export const runCd = route({
  method: "POST",
  path: "/v1/apps/{app}/cd",
  id: "runCd",
  tag: "apps",
  summary: "Run CD of an app",
  description: "Writes the image into the yaml repository and follows Argo CD until the targets run it.",
  access: "developer",
  verb: "run CD",
  keyed: true,
  params: inApp,
  body: z.strictObject({ params: params.default({}) }),
  answers: { 202: accepted },
  errors: ["bad-params", "app-unknown", "idempotency-key-reused"],
  handle: async (call) => {
    const task = await call.portal.agent.startTask({
      pipeline: "cd",
      app: call.params.app,
      params: call.body.params,
      idempotencyKey: call.key,
      principal: callerOf(call).name,
    });
    sendAccepted(call.ctx, task);
  },
});
