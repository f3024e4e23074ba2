// POST /v1/apps: the button "Create app", and the adoption of an existing app.

import { appShape } from "@gantry/core/app/app-shape.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { appOutcome } from "@gantry/wire/agent/agent-api.ts";
import { z } from "zod";
import { requireOwnClaims } from "../access/claims.ts";
import { requireNoGain } from "../access/gains.ts";
import { onNewApp } from "../access/guards/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import { sendAccepted } from "../http/respond.ts";
import { type Call, callerOf, route } from "../http/route.ts";
import { accepted, json, name, params } from "../http/schemas.ts";
import { requireEnvironmentsKept } from "../policy/environments.ts";
import { asSeen, hidingOthers, sendOutcome } from "./app-answers.ts";

const body = z
  .strictObject({
    params: params.describe("To create an app: its `name`, and the other parameters of create-app").optional(),
    adopt: z.literal(true).optional().describe("Adopt an existing app, which `name` and `app` describe"),
    name: name.optional(),
    app: appShape.optional(),
    dryRun: z.boolean().default(false).describe("With `adopt`: check everything and write nothing"),
  })
  .superRefine(({ params, adopt, name, app }, context) => {
    const missing = (field: string, what: string): void =>
      context.addIssue({ code: "custom", path: [field], message: what });
    if (!adopt && !params) missing("params", "is missing");
    if (adopt && params) missing("params", "must be left out with adopt");
    if (adopt && !name) missing("name", "is missing");
    if (adopt && !app) missing("app", "is missing");
    if (!adopt && (name || app)) missing("adopt", "must be true with name and app");
  });
type Body = z.output<typeof body>;

export const createApp = route({
  method: "POST",
  path: "/v1/apps",
  id: "createApp",
  tag: "apps",
  summary: "Create an app, or adopt an existing one",
  description:
    "With `params`: starts the pipeline create-app, which creates the repositories, projects and Argo CD applications of a new app. With `adopt`: makes an app from existing repositories and targets; nothing outside changes, and repeating the request changes nothing (200).",
  right: onNewApp,
  verb: "create an app",
  requiresIdempotencyKey: true,
  body,
  example: {
    adopt: true,
    dryRun: true,
    name: "orders",
    app: {
      title: "Orders",
      team: "payments",
      source: { system: "bitbucket", project: "SHOP", slug: "orders", branch: "main" },
      build: { site: "seoul" },
      images: [{ name: "orders", repository: "shop/orders" }],
      yaml: { system: "bitbucket", project: "SHOP", slug: "deployments", branch: "main", form: "kustomize" },
      targets: [{ name: "seoul", site: "seoul", cluster: "seoul-dp", overlay: "orders/seoul", namespace: "orders" }],
    },
  },
  responses: {
    200: json("With `adopt`: the app was already adopted, or `dryRun`", appOutcome),
    201: json("The app is adopted", appOutcome),
    202: accepted,
  },
  errors: [
    "bad-params",
    "secret-unknown",
    "app-exists",
    "idempotency-key-reused",
    "conflict",
    "overlay-taken",
    "place-taken",
    "claim-taken",
  ],
  handle: async (call) => {
    const { params, name = "", app } = call.body;
    if (app) return adopt(call, name, app);
    const visibility = visibilityOf(call.portal, callerOf(call));
    const starting = call.portal.agent.startTask({
      pipeline: "create-app",
      params: params ?? {},
      idempotencyKey: call.key,
      principal: callerOf(call).name,
    });
    await sendAccepted(call, await hidingOthers(visibility, starting));
  },
});

async function adopt(call: Call<unknown, unknown, Body>, name: string, app: NonNullable<Body["app"]>): Promise<void> {
  const { ctx, portal, body } = call;
  const caller = callerOf(call);
  const rights = portal.rights.of(caller);
  const visibility = visibilityOf(portal, caller);
  const fields = JSON.parse(JSON.stringify(app));
  const { team, labels, ...plain } = asSeen({ name, record: fields });
  const allowed = [plain, ...(team === undefined ? [] : [{ ...plain, team }])].filter((one) => {
    const sites = rights.needs.sites ? one.sites : undefined;
    return rights.may({ ...one, sites, verb: "create-app" });
  });
  await requireNoGain(portal, caller, allowed, asSeen({ name, record: fields }));
  const request = { principal: caller.name, app: fields, dryRun: body.dryRun };
  const planned = await hidingOthers(visibility, portal.agent.adoptApp(name, { ...request, dryRun: true }));
  if (planned.change !== "unchanged") {
    await requireOwnClaims(portal, caller, name, { before: {}, after: planned.app.record });
    await requireEnvironmentsKept(portal, caller, { name, record: {} }, planned.app.record);
  }
  const outcome = await hidingOthers(visibility, portal.agent.adoptApp(name, request));
  // Its image and its tasks are omitted for a caller who may not see the app.
  if (outcome.change === "unchanged" && !rights.may({ ...asSeen(outcome.app), verb: "view" }))
    throw new GantryError("app-exists", { app: name, why: "The name is taken" });
  portal.facts.forgetApp(name);
  if (!body.dryRun) ctx.set("Location", `/v1/apps/${name}`);
  await sendOutcome(ctx, visibility, outcome, outcome.change === "create" && !body.dryRun ? 201 : 200);
}
