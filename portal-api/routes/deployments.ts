// GET /v1/apps/{app}/demands, rollbacks, and holding builds

import { demandView, holdRequest, rollbackPlan, rollbackRequest } from "@gantry/wire/agent/deployments.ts";
import { buildView, page } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import { onApp, onRollback } from "../access/guards/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import { sendAccepted, sendVisible } from "../http/respond.ts";
import { callerOf, type Route, route } from "../http/route.ts";
import { accepted, inApp, json } from "../http/schemas.ts";

const number = z.string().regex(/^[0-9]{1,9}$/, "must be the number of a build");
const inBuild = inApp.extend({ number });

const listDemands = route({
  method: "GET",
  path: "/v1/apps/{app}/demands",
  id: "listDemands",
  tag: "apps",
  summary: "What the environments of an app demand now",
  description: "For each target: who must approve a deployment, and whether its calendar is closed.",
  right: onApp("view"),
  verb: "see apps",
  params: inApp,
  responses: { 200: json("One for each target", page(demandView)) },
  errors: ["app-unknown"],
  handle: async (call) => {
    const { ctx, portal, params } = call;
    await sendVisible(ctx, visibilityOf(portal, callerOf(call)), await portal.agent.demands(params.app));
  },
});

const planRollback = route({
  method: "GET",
  path: "/v1/apps/{app}/rollback",
  id: "planRollback",
  tag: "apps",
  summary: "What a rollback of an app would do",
  description:
    "For each target: what is deployed, the build to go back to, or why there is none. Without targets, those of the newest deployment.",
  right: onApp("view"),
  verb: "see apps",
  params: inApp,
  query: z.strictObject({
    targets: z.string().max(8_000).optional().describe("Names, with commas between them"),
    to: number.optional().describe("The build to go back to, instead of the last good one"),
  }),
  responses: { 200: json("The plan", rollbackPlan) },
  errors: ["app-unknown"],
  handle: async (call) => {
    const { ctx, portal, params, query } = call;
    const plan = await portal.agent.rollbackPlan(params.app, {
      targets: query.targets?.split(","),
      to: query.to === undefined ? undefined : Number(query.to),
    });
    await sendVisible(ctx, visibilityOf(portal, callerOf(call)), plan);
  },
});

const rollBack = route({
  method: "POST",
  path: "/v1/apps/{app}/rollback",
  id: "rollBack",
  tag: "apps",
  summary: "Roll an app back",
  description:
    "Deploys, as a task of Run CD, the build that ran well at the targets before the present one: by a commit that takes back the one in the yaml repository. A deployment to these targets that has not ended is canceled. The builds that are taken back are held.",
  right: onRollback,
  verb: "run CD",
  requiresIdempotencyKey: true,
  params: inApp,
  body: rollbackRequest,
  example: { targets: ["seoul"], reason: "Orders are counted twice" },
  responses: { 202: accepted },
  errors: [
    "rollback-impossible",
    "app-unknown",
    "bad-params",
    "pipeline-invalid",
    "pipeline-unclear",
    "pipelines-unread",
    "secret-unknown",
    "idempotency-key-reused",
  ],
  handle: async (call) => {
    const { portal, params, body, key } = call;
    const asked = { ...body, idempotencyKey: key, principal: callerOf(call).name };
    await sendAccepted(call, await portal.agent.rollback(params.app, asked));
  },
});

const holdBuild = route({
  method: "POST",
  path: "/v1/apps/{app}/builds/{number}/hold",
  id: "holdBuild",
  tag: "apps",
  summary: "Hold a build",
  description: "CD does not choose it by itself any more. Who names it can still deploy it.",
  right: onApp("run-cd"),
  verb: "run CD",
  params: inBuild,
  body: holdRequest,
  example: { reason: "Orders are counted twice" },
  responses: { 200: json("The build", buildView) },
  errors: ["app-unknown", "conflict", "not-found"],
  handle: async (call) => {
    const { ctx, portal, params, body } = call;
    const by = { ...body, principal: callerOf(call).name };
    const build = await portal.agent.holdBuild(params.app, Number(params.number), by);
    await sendVisible(ctx, visibilityOf(portal, callerOf(call)), build);
  },
});

const releaseBuild = route({
  method: "POST",
  path: "/v1/apps/{app}/builds/{number}/release",
  id: "releaseBuild",
  tag: "apps",
  summary: "Let a held build go",
  right: onApp("run-cd"),
  verb: "run CD",
  params: inBuild,
  responses: { 200: json("The build", buildView) },
  errors: ["app-unknown", "conflict", "not-found"],
  handle: async (call) => {
    const { ctx, portal, params } = call;
    const build = await portal.agent.releaseBuild(params.app, Number(params.number), callerOf(call).name);
    await sendVisible(ctx, visibilityOf(portal, callerOf(call)), build);
  },
});

export const deploymentRoutes: readonly Route[] = [listDemands, planRollback, rollBack, holdBuild, releaseBuild];
