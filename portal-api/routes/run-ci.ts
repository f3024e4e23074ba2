// POST /v1/apps/{app}/ci: the button "Run CI".

import { z } from "zod";
import { sendAccepted } from "../answer.ts";
import { callerOf, route } from "../route.ts";
import { accepted, inApp, params } from "../schemas.ts";

export const runCi = route({
  method: "POST",
  path: "/v1/apps/{app}/ci",
  id: "runCi",
  tag: "apps",
  summary: "Run CI of an app",
  description: "Builds the app's source, checks it, and puts an image into the registry.",
  access: "developer",
  verb: "run CI",
  keyed: true,
  params: inApp,
  body: z.strictObject({ params: params.default({}) }),
  answers: { 202: accepted },
  errors: ["bad-params", "app-unknown", "idempotency-key-reused"],
  handle: async (call) => {
    const task = await call.portal.agent.startTask({
      pipeline: "ci",
      app: call.params.app,
      params: call.body.params,
      idempotencyKey: call.key,
      principal: callerOf(call).name,
    });
    sendAccepted(call.ctx, task);
  },
});
