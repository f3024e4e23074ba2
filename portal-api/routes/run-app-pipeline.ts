// POST /v1/apps/{app}/ci and …/cd: the buttons "Run CI" and "Run CD".

import { callbackRequest } from "@gantry/core/callback/callback-shape.ts";
import { type ErrorCode, GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { z } from "zod";
import { onApp } from "../access/guards/guards.ts";
import { sendAccepted } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { accepted, inApp, params } from "../http/schemas.ts";

const ciBody = z.strictObject({ params: params.default({}), callback: callbackRequest.optional() });
const cdBody = ciBody.extend({
  override: z
    .strictObject({ reason: z.string().trim().min(1).max(500) })
    .optional()
    .describe("Why the policies of environments are not applied. Needs the verb override-policy"),
});

export const runCi = runAppPipeline({
  pipeline: "ci",
  id: "runCi",
  verb: "run-ci",
  does: "run CI",
  body: ciBody,
  errors: [],
  summary: "Run CI of an app",
  description: "Builds and tests the source of the app, and pushes an image to the registry.",
  example: { params: { ref: "main" } },
});

export const runCd = runAppPipeline({
  pipeline: "cd",
  id: "runCd",
  verb: "run-cd",
  does: "run CD",
  body: cdBody,
  errors: ["policy-unmet", "own-pipeline-deploys"],
  summary: "Run CD of an app",
  description:
    "Writes the images of a build into the yaml repository and waits until Argo CD has deployed it to the targets.",
  example: { params: { targets: ["seoul"] } },
});

function runAppPipeline(button: {
  pipeline: "ci" | "cd";
  id: string;
  verb: "run-ci" | "run-cd";
  does: string;
  body: z.core.$ZodType<z.output<typeof ciBody> & Partial<z.output<typeof cdBody>>>;
  errors: readonly ErrorCode[];
  summary: string;
  description: string;
  example: JsonObject;
}) {
  const { pipeline, id, verb, does, body, errors, summary, description, example } = button;
  return route({
    method: "POST",
    path: `/v1/apps/{app}/${pipeline}`,
    id,
    tag: "apps",
    summary,
    description,
    right: onApp(verb, pipeline),
    verb: does,
    requiresIdempotencyKey: true,
    params: inApp,
    body,
    example,
    responses: { 202: accepted },
    errors: [
      "bad-params",
      "app-unknown",
      "pipeline-invalid",
      "pipeline-unclear",
      "pipelines-unread",
      "secret-unknown",
      "idempotency-key-reused",
      ...errors,
    ],
    handle: async (call) => {
      const { app } = call.params;
      const principal = callerOf(call).name;
      const { params, override, callback } = call.body;
      const start = {
        app,
        params,
        idempotencyKey: call.key,
        principal,
        ...(override === undefined ? {} : { override }),
        ...(callback === undefined ? {} : { callback }),
      };
      // Most apps have the pipeline with the name of the button, which takes one call to the agent.
      const starting = call.portal.agent.startTask({ ...start, pipeline, button: pipeline });
      const task = await starting.catch(async (error: unknown) => {
        const chosen = chosenInstead(error);
        // The right may depend on the pipeline, which may only be known since its file was read.
        await call.authorise();
        return call.portal.agent.startTask({ ...start, pipeline: chosen });
      });
      await sendAccepted(call, task);
    },
  });
}

/** The pipeline that the button starts. Rethrows any other error. */
function chosenInstead(error: unknown): string {
  if (error instanceof GantryError && error.code === "pipeline-chosen") return String(error.details.pipeline);
  throw error;
}
