// POST /v1/tasks/{id}/rerun

import { z } from "zod";
import { onTask } from "../access/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import { sendAccepted } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { accepted, inTask } from "../http/schemas.ts";
import { hidingOthers } from "./app-answers.ts";

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
  body: z.strictObject({
    from: z
      .enum(["failed", "all"])
      .default("failed")
      .describe("`failed`: jobs that succeeded keep their outputs and do not run again. `all`: every job runs again"),
    definition: z
      .enum(["pinned", "newest"])
      .default("pinned")
      .describe("`pinned`: with the pipeline file of the original task; `newest`: with the current one"),
  }),
  example: { from: "failed" },
  responses: { 202: accepted },
  errors: [
    "conflict",
    "secret-unknown",
    "own-pipeline-deploys",
    "idempotency-key-reused",
    "task-archived",
    "place-taken",
    "claim-taken",
  ],
  handle: async (call) => {
    const starting = call.portal.agent.rerun(call.params.id, {
      principal: callerOf(call).name,
      idempotencyKey: call.key,
      from: call.body.from,
      definition: call.body.definition,
    });
    const task = await hidingOthers(visibilityOf(call.portal, callerOf(call)), starting);
    await sendAccepted(call, task);
  },
});
