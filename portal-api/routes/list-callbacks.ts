// GET /v1/tasks/{id}/callbacks, from the notify-agent

import { page } from "@gantry/wire/agent/views.ts";
import { callbackView } from "@gantry/wire/notify/views.ts";
import { onTask } from "../access/guards/guards.ts";
import { sendJson } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { inTask, json } from "../http/schemas.ts";
import { notifyOf } from "./notification-page.ts";

export const listCallbacks = route({
  method: "GET",
  path: "/v1/tasks/{id}/callbacks",
  id: "listCallbacks",
  tag: "tasks",
  summary: "List the addresses that were told of the end of a task, and what happened",
  description: "Empty until the task has ended; `callbacks` of the task names those that will be told.",
  right: onTask("view"),
  verb: "see tasks",
  params: inTask,
  responses: { 200: json("The callbacks", page(callbackView)) },
  handle: async ({ ctx, portal, params }) => sendJson(ctx, await notifyOf(portal).callbacks(params.id)),
});
