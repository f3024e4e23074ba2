// POST /v1/apps/{app}/cd-plans and GET /v1/tasks/{id}/cd-plan: what Run CD would change.

import { cdPlan } from "@gantry/wire/agent/deployments.ts";
import { z } from "zod";
import { onCdPlan, onTask } from "../access/guards/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import { sendAccepted, sendVisible } from "../http/respond.ts";
import { callerOf, type Route, route } from "../http/route.ts";
import { accepted, inApp, inTask, json, params } from "../http/schemas.ts";
import { decideCdPlan } from "./decide-cd-plan.ts";

const PIPELINE = "cd-plan";

const startCdPlan = route({
  method: "POST",
  path: "/v1/apps/{app}/cd-plans",
  id: "planCd",
  tag: "apps",
  summary: "Plan Run CD of an app",
  description:
    "Starts a task that finds out, at the site of each target, what Run CD would change with these params. It changes nothing. The plan is at `/v1/tasks/{id}/cd-plan`.",
  right: onCdPlan(PIPELINE),
  verb: "run CD",
  requiresIdempotencyKey: true,
  params: inApp,
  body: z.strictObject({ params: params.default({}) }),
  example: { params: { targets: ["seoul"] } },
  responses: { 202: accepted },
  errors: [
    "bad-params",
    "app-unknown",
    "pipeline-unknown",
    "pipeline-invalid",
    "pipelines-unread",
    "secret-unknown",
    "idempotency-key-reused",
  ],
  handle: async (call) => {
    const { portal, params, body, key } = call;
    const asked = { app: params.app, params: body.params, idempotencyKey: key, principal: callerOf(call).name };
    await sendAccepted(call, await portal.agent.startTask({ ...asked, pipeline: PIPELINE }));
  },
});

const getCdPlan = route({
  method: "GET",
  path: "/v1/tasks/{id}/cd-plan",
  id: "getCdPlan",
  tag: "tasks",
  summary: "Get the plan of a deployment",
  description:
    "Of a task of Plan CD or Run CD: for each target, what changes, what may surprise, and what it waits for now. Without targets for every other task.",
  right: onTask("view"),
  verb: "see tasks",
  params: inTask,
  responses: { 200: json("The plan", cdPlan) },
  handle: async (call) => {
    const { ctx, portal, params } = call;
    const task = await portal.agent.task(params.id);
    const demands = task.app === undefined ? undefined : await portal.agent.demands(task.app);
    await sendVisible(ctx, visibilityOf(portal, callerOf(call)), decideCdPlan(task, demands?.items ?? []));
  },
});

export const cdPlanRoutes: readonly Route[] = [startCdPlan, getCdPlan];
