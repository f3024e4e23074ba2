// POST /v1/tasks/{id}/rerun and /rerun-plan

import { rerunPlanView } from "@gantry/wire/agent/rerun-plan.ts";
import { z } from "zod";
import { onTask } from "../access/guards/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import { sendAccepted, sendJson } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { accepted, inTask, json } from "../http/schemas.ts";
import { hidingOthers } from "./app-answers.ts";

const body = z
  .strictObject({
    from: z
      .enum(["failed", "all"])
      .default("failed")
      .describe("`failed`: jobs that succeeded keep their outputs and do not run again. `all`: every job runs again"),
    job: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe("Key or id of a job: it and all that needs it run again, and what did not succeed. In place of `from`"),
    params: z
      .record(z.string().max(100), z.json())
      .optional()
      .describe("Parameters that differ; null takes one out. Every job runs again. In place of `from` and `job`"),
    definition: z
      .enum(["pinned", "newest"])
      .default("pinned")
      .describe("`pinned`: with the pipeline file of the original task; `newest`: with the current one"),
  })
  .refine(({ job, params }) => job === undefined || params === undefined, {
    path: ["job"],
    message: "cannot be given together with params: with other parameters every job runs again",
  });

const errors = [
  "conflict",
  "secret-unknown",
  "own-pipeline-deploys",
  "task-archived",
  "place-taken",
  "claim-taken",
] as const;

export const rerunTask = route({
  method: "POST",
  path: "/v1/tasks/{id}/rerun",
  id: "rerunTask",
  tag: "tasks",
  summary: "Run a task again as a new task",
  right: onTask("rerun"),
  verb: "rerun a task",
  requiresIdempotencyKey: true,
  params: inTask,
  body,
  example: { from: "failed" },
  responses: { 202: accepted },
  errors: [...errors, "idempotency-key-reused"],
  handle: async (call) => {
    const asked = { principal: callerOf(call).name, idempotencyKey: call.key, ...askedOf(call.body) };
    const starting = call.portal.agent.rerun(call.params.id, asked);
    await sendAccepted(call, await hidingOthers(visibilityOf(call.portal, callerOf(call)), starting));
  },
});

export const planRerun = route({
  method: "POST",
  path: "/v1/tasks/{id}/rerun-plan",
  id: "planRerun",
  tag: "tasks",
  summary: "What a rerun would run and reuse",
  description: "Takes what `rerun` takes, refuses what it refuses, and starts nothing.",
  right: onTask("rerun"),
  verb: "rerun a task",
  params: inTask,
  body,
  example: { job: "deploy" },
  responses: { 200: json("The plan", rerunPlanView) },
  errors: [...errors],
  handle: async (call) => {
    const asked = { principal: callerOf(call).name, ...askedOf(call.body) };
    const planning = call.portal.agent.planRerun(call.params.id, asked);
    sendJson(call.ctx, await hidingOthers(visibilityOf(call.portal, callerOf(call)), planning));
  },
});

function askedOf({ job, params, from, definition }: z.infer<typeof body>) {
  if (params !== undefined) return { from: "edited" as const, params, definition };
  return job === undefined ? { from, definition } : { from: "job" as const, job, definition };
}
