// DELETE /v1/apps/{app}

import { z } from "zod";
import { onApp } from "../access/guards/guards.ts";
import { sendAccepted } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { accepted, inApp } from "../http/schemas.ts";
import { requireEnvironmentsKept } from "../policy/environments.ts";

export const removeApp = route({
  method: "DELETE",
  path: "/v1/apps/{app}",
  id: "removeApp",
  tag: "apps",
  summary: "Forget an app, or undo its failed creation",
  description:
    "With `undo=false`, the app is forgotten at once and nothing outside changes; refused while a task of the app runs. An app in an environment that `environments.yaml` names also needs `override-policy`. With `undo=true`, only for an app whose creation failed, a task deletes exactly what the creation made; the app is forgotten when it succeeds. To continue the creation instead, rerun its task.",
  right: onApp("remove-app"),
  verb: "remove an app",
  params: inApp,
  query: z.strictObject({
    undo: z
      .enum(["true", "false"])
      .transform((text) => text === "true")
      .describe("Whether to delete what the creation made"),
  }),
  responses: { 202: accepted, 204: { description: "The app is forgotten" } },
  errors: ["app-unknown", "conflict"],
  handle: async (call) => {
    const { agent } = call.portal;
    const caller = callerOf(call);
    const principal = caller.name;
    if (call.query.undo) return sendAccepted(call, await agent.undoApp(call.params.app, principal));
    const before = await agent.app(call.params.app);
    // Somebody could adopt it again, without its environments. An app whose creation failed has never deployed.
    if (before.state !== "failed") await requireEnvironmentsKept(call.portal, caller, before, {});
    await agent.forgetApp(call.params.app, principal);
    call.portal.facts.forgetApp(call.params.app);
    call.ctx.status = 204;
  },
});
