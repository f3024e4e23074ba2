// GET /v1/tasks

import { page, taskSummary } from "@gantry/wire/agent/views.ts";
import { listOf } from "../access/guards/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import { visibleTasks } from "../access/visible-tasks.ts";
import { sendVisible } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { json, taskQuery } from "../http/schemas.ts";

export const listTasks = route({
  method: "GET",
  path: "/v1/tasks",
  id: "listTasks",
  tag: "tasks",
  summary: "List tasks, newest first",
  right: listOf("view"),
  verb: "see tasks",
  query: taskQuery,
  responses: { 200: json("A page of tasks", page(taskSummary)) },
  handle: async (call) => {
    const { ctx, portal, query } = call;
    const visibility = visibilityOf(portal, callerOf(call));
    await sendVisible(ctx, visibility, await visibleTasks(portal, visibility, { limit: 50, ...query }));
  },
});
