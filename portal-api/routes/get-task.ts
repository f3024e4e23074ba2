// GET /v1/tasks/{id}

import { taskView } from "@gantry/wire/agent/views.ts";
import { sendText } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { inTask, json } from "../http/schemas.ts";

export const getTask = route({
  method: "GET",
  path: "/v1/tasks/{id}",
  id: "getTask",
  tag: "tasks",
  summary: "Get a task with its jobs and steps",
  access: "viewer",
  verb: "see tasks",
  params: inTask,
  responses: { 200: json("The task", taskView) },
  handle: async ({ ctx, portal, params }) => {
    const { text, etag } = await portal.taskViews.read(params.id);
    sendText(ctx, text, etag);
  },
});
