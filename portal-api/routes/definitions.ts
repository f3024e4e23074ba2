// GET /v1/definitions and POST /v1/definitions/sync: the set of pipelines in force, and reading it from git now.

import { definitionsView } from "@gantry/wire/agent/definitions.ts";
import { listOf, onInstallation } from "../access/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import { sendAccepted, sendUncached } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { accepted, json } from "../http/schemas.ts";

export const getDefinitions = route({
  method: "GET",
  path: "/v1/definitions",
  id: "getDefinitions",
  tag: "pipelines",
  summary: "Show which set of pipelines is in force, and why a newer one is not",
  description: "The mistakes of a refused set are shown to callers with the right to manage settings.",
  right: listOf("view-pipelines"),
  verb: "see pipelines",
  responses: { 200: json("The set in force", definitionsView) },
  handle: async (call) => {
    const caller = callerOf(call);
    const visibility = visibilityOf(call.portal, caller);
    const { inForce, refused, ...rest } = await call.portal.agent.definitions();
    const mayManage = call.portal.rights.of(caller).may({ verb: "manage-settings" });
    const definitions = inForce.definitions.filter(({ name }) => visibility.pipeline(name));
    const { sync, ...others } = rest;
    sendUncached(call.ctx, {
      ...others,
      inForce: { ...inForce, definitions },
      ...(refused ? { refused: mayManage ? refused : { ...refused, problems: [] } } : {}),
      ...(sync && mayManage ? { sync } : {}),
    });
  },
});

export const syncDefinitions = route({
  method: "POST",
  path: "/v1/definitions/sync",
  id: "syncDefinitions",
  tag: "pipelines",
  summary: "Read the repository of definitions now",
  description:
    "Answers the task that reads it. The set is checked as a whole after the task has ended; `GET /v1/definitions` tells the result.",
  right: onInstallation("manage-settings"),
  verb: "sync definitions",
  responses: { 202: accepted },
  errors: ["conflict"],
  handle: async (call) => sendAccepted(call, await call.portal.agent.syncDefinitions(callerOf(call).name)),
});
