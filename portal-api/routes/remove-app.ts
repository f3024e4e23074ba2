// DELETE /v1/apps/{app}

import { GantryError } from "@gantry/core/errors.ts";
import { madeView } from "@gantry/wire/agent/deployments.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import { onApp } from "../access/guards/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import { sendAccepted, sendVisible } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { accepted, inApp, json } from "../http/schemas.ts";
import { requireEnvironmentsKept } from "../policy/environments.ts";

export const planUndo = route({
  method: "GET",
  path: "/v1/apps/{app}/undo",
  id: "planUndo",
  tag: "apps",
  summary: "What the undo of a failed creation would delete",
  description:
    "In the order in which it is deleted. Only what the creation itself made; a `conflict` for an app whose creation did not fail.",
  right: onApp("view"),
  verb: "see apps",
  params: inApp,
  responses: { 200: json("What it made", page(madeView)) },
  errors: ["app-unknown", "conflict"],
  handle: async (call) => {
    const { ctx, portal, params } = call;
    await sendVisible(ctx, visibilityOf(portal, callerOf(call)), await portal.agent.undoPlan(params.app));
  },
});

export const removeApp = route({
  method: "DELETE",
  path: "/v1/apps/{app}",
  id: "removeApp",
  tag: "apps",
  summary: "Forget an app, or undo its failed creation",
  description:
    "With `undo=false`, the app is forgotten at once and nothing outside changes; refused while a task of the app runs. If a failed creation made something that could be taken back, it is refused, too, unless `keep=true`. An app in an environment that `environments.yaml` names also needs `override-policy`. With `undo=true`, only for an app whose creation failed, a task deletes exactly what the creation made; the app is forgotten when it succeeds. To continue the creation instead, rerun its task.",
  right: onApp("remove-app"),
  verb: "remove an app",
  params: inApp,
  query: z.strictObject({
    undo: z
      .enum(["true", "false"])
      .transform((text) => text === "true")
      .describe("Whether to delete what the creation made"),
    keep: z
      .enum(["true", "false"])
      .transform((text) => text === "true")
      .optional()
      .describe(
        "With `undo=false`: forget the app although its failed creation made something, which stays and is no longer known",
      ),
  }),
  responses: { 202: accepted, 204: { description: "The app is forgotten" } },
  errors: ["app-unknown", "conflict", "creation-left"],
  handle: async (call) => {
    const { agent } = call.portal;
    const caller = callerOf(call);
    const principal = caller.name;
    const { undo, keep } = call.query;
    if (undo && keep) throw new GantryError("bad-request", { problem: "keep=true is for undo=false" });
    if (undo) return sendAccepted(call, await agent.undoApp(call.params.app, principal));
    const before = await agent.app(call.params.app);
    // Somebody could adopt it again, without its environments. An app whose creation failed has never deployed.
    if (before.state !== "failed") await requireEnvironmentsKept(call.portal, caller, before, {});
    await agent.forgetApp(call.params.app, principal, keep);
    call.portal.facts.forgetApp(call.params.app);
    call.ctx.status = 204;
  },
});
