// PATCH /v1/apps/{app} and POST /v1/apps/{app}/rename.

import { appShape } from "@gantry/core/app/app-shape.ts";
import { isEqual } from "@gantry/core/app/merge-patch.ts";
import { appOutcome } from "@gantry/wire/agent/agent-api.ts";
import { z } from "zod";
import { requireOwnClaims } from "../access/claims.ts";
import { requireNoGain } from "../access/gains.ts";
import { onApp, onRename, requireChangeAt } from "../access/guards/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import { revisionIn } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { inApp, json, name } from "../http/schemas.ts";
import { requireEnvironmentsKept } from "../policy/environments.ts";
import { asSeen, hidingOthers, sendOutcome } from "./app-answers.ts";

/** The task-agent checks the app that results. */
const patch = z
  .strictObject(
    Object.fromEntries(Object.keys(appShape.shape).map((key) => [key, z.json().optional()])) as {
      [K in keyof typeof appShape.shape]: z.ZodOptional<ReturnType<typeof z.json>>;
    },
  )
  .describe("A merge patch (RFC 7396) of the fields of the app: null removes a field, a list is replaced");

export const changeApp = route({
  method: "PATCH",
  path: "/v1/apps/{app}",
  id: "changeApp",
  tag: "apps",
  summary: "Change an app",
  description:
    "Running tasks continue with the old version of the app. While a task of the app runs, no target can be moved or removed. Callers cannot give themselves rights with `team` and `labels`. What takes targets out of an environment, or builds from elsewhere, needs `override-policy` if `environments.yaml` names the environment.",
  right: onApp("change-app"),
  verb: "change an app",
  params: inApp,
  query: z.strictObject({
    dryRun: z
      .enum(["true", "false"])
      .transform((text) => text === "true")
      .optional()
      .describe("Check everything and write nothing"),
  }),
  body: patch,
  example: { source: { branch: "release" }, labels: { tier: "1" } },
  requiresIfMatch: true,
  responses: { 200: json("The app after the change", appOutcome) },
  errors: ["app-unknown", "conflict", "overlay-taken", "place-taken"],
  handle: async (call) => {
    const { ctx, portal, params, query, body } = call;
    const caller = callerOf(call);
    const visibility = visibilityOf(portal, caller);
    const principal = caller.name;
    const given = call.ifMatch === undefined ? undefined : revisionIn(call.ifMatch);
    const before = await portal.agent.app(params.app);
    const revision = given ?? before.revision;
    const request = {
      principal,
      patch: JSON.parse(JSON.stringify(body)),
      ...(revision === undefined ? {} : { revision }),
    };
    // Checked with the resulting app, at the revision that is then changed.
    const { app: planned } = await hidingOthers(
      visibility,
      portal.agent.changeApp(params.app, { ...request, dryRun: true }),
    );
    const setsRights = !["team", "labels"].every((key) => isEqual(before.record[key], planned.record[key]));
    requireChangeAt({ caller, rights: portal.rights.of(caller) }, asSeen(planned));
    if (setsRights) await requireNoGain(portal, caller, [asSeen(before)], asSeen(planned));
    await requireOwnClaims(portal, caller, params.app, { before: before.record, after: planned.record });
    await requireEnvironmentsKept(portal, caller, before, planned.record);
    const dryRun = query.dryRun ?? false;
    const outcome = await hidingOthers(visibility, portal.agent.changeApp(params.app, { ...request, dryRun }));
    portal.facts.forgetApp(params.app);
    await sendOutcome(ctx, visibility, outcome, 200);
  },
});

export const renameApp = route({
  method: "POST",
  path: "/v1/apps/{app}/rename",
  id: "renameApp",
  tag: "apps",
  summary: "Rename an app",
  description:
    "Its record, its newest image, its targets and its names in other systems do not change. Old tasks keep the old name. Refused while a task of the app runs. Also needs the right create-app on the new name.",
  right: onRename,
  verb: "rename an app",
  params: inApp,
  body: z.strictObject({ to: name }),
  example: { to: "order-service" },
  responses: { 200: json("The app under its new name", appOutcome) },
  errors: ["app-unknown", "app-exists", "conflict", "place-taken"],
  handle: async (call) => {
    const { ctx, portal, params, body } = call;
    const caller = callerOf(call);
    const visibility = visibilityOf(portal, caller);
    const before = asSeen(await portal.agent.app(params.app));
    await requireNoGain(portal, caller, [before], { ...before, app: body.to });
    const app = await hidingOthers(visibility, portal.agent.renameApp(params.app, body.to, caller.name));
    portal.facts.forgetApp(params.app);
    portal.facts.forgetApp(body.to);
    await sendOutcome(ctx, visibility, { change: "change", app }, 200);
  },
});
