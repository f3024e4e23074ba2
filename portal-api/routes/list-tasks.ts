// GET /v1/tasks

import { page, taskSummary } from "@gantry/wire/agent/views.ts";
import { sendJson } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { json, taskQuery } from "../http/schemas.ts";

export const listTasks = route({
  method: "GET",
  path: "/v1/tasks",
  id: "listTasks",
  tag: "tasks",
  summary: "List tasks, newest first",
  access: "viewer",
  verb: "see tasks",
  query: taskQuery,
  responses: { 200: json("A page of tasks", page(taskSummary)) },
  handle: async ({ ctx, portal, query }) => sendJson(ctx, await portal.agent.tasks({ limit: 50, ...query })),
});
