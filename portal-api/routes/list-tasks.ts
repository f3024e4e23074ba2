// GET /v1/tasks

import { page, taskSummary } from "@gantry/wire/agent/views.ts";
import { listOf } from "../access/guards.ts";
import { sightOf } from "../access/visible.ts";
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
    const sight = sightOf(portal, callerOf(call));
    await sendVisible(ctx, sight, await visibleTasks(portal, sight, { limit: 50, ...query }));
  },
});
