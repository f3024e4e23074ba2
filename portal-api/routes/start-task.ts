// POST /v1/tasks: run any pipeline.

import { callbackRequest } from "@gantry/core/callback/callback-shape.ts";
import { fanOut, pipelineName } from "@gantry/wire/agent/agent-api.ts";
import { z } from "zod";
import { onStart } from "../access/guards/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import { sendAccepted } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { accepted, name, params } from "../http/schemas.ts";
import { hidingOthers } from "./app-answers.ts";

export const startTask = route({
  method: "POST",
  path: "/v1/tasks",
  id: "startTask",
  tag: "tasks",
  summary: "Run a pipeline",
  right: onStart,
  verb: "run a pipeline",
  requiresIdempotencyKey: true,
  body: z.strictObject({
    pipeline: pipelineName,
    app: name.optional(),
    params: params.default({}),
    fanOut: fanOut
      .optional()
      .describe("Run it once for each of these values, as tasks of one task that this request starts"),
    callback: callbackRequest.optional(),
  }),
  example: {
    pipeline: "ci",
    app: "orders",
    params: { ref: "main" },
    callback: { url: "https://ci.example.com/ended" },
  },
  responses: { 202: accepted },
  errors: [
    "bad-params",
    "app-unknown",
    "app-exists",
    "place-taken",
    "claim-taken",
    "pipeline-unknown",
    "secret-unknown",
    "own-pipeline-deploys",
    "idempotency-key-reused",
  ],
  handle: async (call) => {
    const { pipeline, app, params: given, fanOut: each, callback } = call.body;
    const starting = call.portal.agent.startTask({
      pipeline,
      ...(app === undefined ? {} : { app }),
      params: given,
      ...(each === undefined ? {} : { fanOut: each }),
      ...(callback === undefined ? {} : { callback }),
      idempotencyKey: call.key,
      principal: callerOf(call).name,
    });
    const task = await hidingOthers(visibilityOf(call.portal, callerOf(call)), starting);
    await sendAccepted(call, task);
  },
});
