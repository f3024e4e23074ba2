// POST /v1/apps: the button "Create app".

import { z } from "zod";
import { onNewApp } from "../access/guards.ts";
import { sendAccepted } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { accepted, params } from "../http/schemas.ts";

export const createApp = route({
  method: "POST",
  path: "/v1/apps",
  id: "createApp",
  tag: "apps",
  summary: "Create an app",
  description:
    "Starts the pipeline create-app, which creates the repositories, projects and Argo CD applications of a new app.",
  right: onNewApp,
  verb: "create an app",
  requiresIdempotencyKey: true,
  body: z.strictObject({
    params: params.describe("The `name` of the new app, and the other parameters of the pipeline"),
  }),
  example: { params: { name: "orders", title: "Orders", jiraKey: "ORD" } },
  responses: { 202: accepted },
  errors: ["bad-params", "app-exists", "idempotency-key-reused"],
  handle: async (call) => {
    const task = await call.portal.agent.startTask({
      pipeline: "create-app",
      params: call.body.params,
      idempotencyKey: call.key,
      principal: callerOf(call).name,
    });
    await sendAccepted(call, task);
  },
});
