// POST /v1/tasks/{id}/jobs/{job}/approval and …/override: what a person says about a job that waits.

import type { JsonObject } from "@gantry/core/json.ts";
import { z } from "zod";
import { answererOf } from "../access/answerer.ts";
import { onTask } from "../access/guards/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import { sendAccepted } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { accepted, innerId, inTask } from "../http/schemas.ts";

const inJob = inTask.extend({ job: innerId.describe("Key of the job") });
const because = z.string().trim().min(1).max(500);
const ofJob = (_: unknown, { job }: z.output<typeof inJob>) => ({ verb: "approve" as const, job });

export const answerApproval = route({
  method: "POST",
  path: "/v1/tasks/{id}/jobs/{job}/approval",
  id: "answerApproval",
  tag: "tasks",
  summary: "Approve or reject what a job asks",
  description:
    "`plan` names what you have looked at, as GET /v1/approvals gives it: if anything of it has changed, the answer is refused with 409. Who is asked decides besides the right, see `demands` there. Each person answers once; the same answer again changes nothing. If others were faster, the answer is 409 and says how it stands.",
  right: onTask("approve", ofJob),
  verb: "approve a deployment",
  params: inJob,
  body: z.strictObject({
    answer: z.enum(["approve", "reject"]),
    plan: z.string().min(1).max(100),
    reason: because.optional().describe("Needed to reject"),
    inputs: z.record(z.string().max(100), z.json()).optional().describe("What the job asks, by the schema `inputs`"),
  }),
  example: {
    answer: "reject",
    plan: "sha256:4f5b7a2d0c6e8a9b1c3d5e7f90a2b4c6d8e0f1a3b5c7d9e0f2a4b6c8d0e1f3a5",
    reason: "The load test is still running.",
  },
  responses: { 202: accepted },
  errors: ["conflict", "not-asked", "task-archived"],
  handle: async (call) => {
    const { portal, params, body } = call;
    const caller = callerOf(call);
    const { app, pipeline, jobs } = await portal.agent.task(params.id);
    const sites = jobs.filter(({ key }) => key === params.job).map(({ site }) => site);
    const record = await visibilityOf(portal, caller).record(app);
    const who = answererOf(caller, portal.rights.of(caller), { ...record, app, pipeline, sites });
    const { answer, plan, reason, inputs } = body;
    const task = await portal.agent.answerApproval(params.id, params.job, {
      ...{ principal: who.name, groups: [...who.groups], roles: [...who.roles], answer, plan },
      ...(reason === undefined ? {} : { reason }),
      ...(inputs === undefined ? {} : { inputs: inputs satisfies JsonObject }),
    });
    await sendAccepted(call, task);
  },
});

export const overridePolicy = route({
  method: "POST",
  path: "/v1/tasks/{id}/jobs/{job}/override",
  id: "overridePolicy",
  tag: "tasks",
  summary: "Let a job go against the policy of its environments",
  description:
    "Neither the approvers nor the windows and freezes of its environments hold the job any more. What its pipeline asks is still asked. The reason is kept in the task and in the audit.",
  right: onTask("override-policy", (_: unknown, { job }: z.output<typeof inJob>) => ({ verb: "override-policy", job })),
  verb: "deploy against the policy of an environment",
  params: inJob,
  body: z.strictObject({ reason: because }),
  example: { reason: "The shop is down, and this build mends it." },
  responses: { 202: accepted },
  errors: ["conflict", "task-archived"],
  handle: async (call) => {
    const { params, body } = call;
    const principal = callerOf(call).name;
    const answer = { principal, answer: "override" as const, reason: body.reason };
    await sendAccepted(call, await call.portal.agent.answerApproval(params.id, params.job, answer));
  },
});
