// POST /v1/tasks/{id}/cancel

import { z } from "zod";
import { onTask } from "../access/guards/guards.ts";
import { sendAccepted } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { accepted, inTask, reason } from "../http/schemas.ts";

export const cancelTask = route({
  method: "POST",
  path: "/v1/tasks/{id}/cancel",
  id: "cancelTask",
  tag: "tasks",
  summary: "Cancel a task",
  description: "Running jobs are asked to stop; `finally` jobs still run. Repeating the request changes nothing.",
  right: onTask("cancel"),
  verb: "cancel a task",
  params: inTask,
  body: z.strictObject({ reason }),
  example: { reason: "The wrong branch." },
  responses: { 202: accepted },
  errors: ["already-ended", "task-archived"],
  handle: async (call) => {
    const { reason: why } = call.body;
    const principal = callerOf(call).name;
    const task = await call.portal.agent.cancel(call.params.id, {
      principal,
      ...(why === undefined ? {} : { reason: why }),
    });
    await sendAccepted(call, task);
  },
});
