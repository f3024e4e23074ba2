// POST /v1/tasks/{id}/resolve: how a held job continues.

import { z } from "zod";
import { onTask } from "../access/guards/guards.ts";
import { sendAccepted } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { accepted, innerId, inTask, reason } from "../http/schemas.ts";

type Answer = { readonly job: string; readonly answer: "run-again" | "mark-done" | "fail" };

/** Marking a job as done has its own verb, because the success of its work was not observed. */
function wanted({ job, answer }: Answer): { readonly verb: "resolve" | "mark-done"; readonly job: string } {
  return { verb: answer === "mark-done" ? "mark-done" : "resolve", job };
}

export const resolveJob = route({
  method: "POST",
  path: "/v1/tasks/{id}/resolve",
  id: "resolveJob",
  tag: "tasks",
  summary: "Decide how a held job continues",
  right: onTask("resolve", wanted),
  verb: "decide about a held job",
  params: inTask,
  body: z.strictObject({
    job: innerId.describe("Key of the job"),
    answer: z.enum(["run-again", "mark-done", "fail"]),
    reason,
  }),
  example: { job: "deploy[seoul]", answer: "run-again", reason: "The runner is gone, and nothing was deployed." },
  responses: { 202: accepted },
  errors: ["conflict", "already-ended", "task-archived"],
  handle: async (call) => {
    const { job, answer, reason: why } = call.body;
    const principal = callerOf(call).name;
    const body = { principal, job, answer, ...(why === undefined ? {} : { reason: why }) };
    await sendAccepted(call, await call.portal.agent.resolve(call.params.id, body));
  },
});
