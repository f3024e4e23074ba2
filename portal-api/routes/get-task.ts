// GET /v1/tasks/{id}

import { taskView } from "@gantry/wire/agent/views.ts";
import { onTask, refusalOfChildren } from "../access/guards/guards.ts";
import { withMay } from "../access/may.ts";
import { visibilityOf } from "../access/visible.ts";
import { etagOf, sendText } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { inTask, json } from "../http/schemas.ts";

export const getTask = route({
  method: "GET",
  path: "/v1/tasks/{id}",
  id: "getTask",
  tag: "tasks",
  summary: "Get a task with its jobs and steps",
  right: onTask("view"),
  verb: "see tasks",
  params: inTask,
  responses: { 200: json("The task", taskView) },
  handle: async (call) => {
    const { ctx, portal, params } = call;
    const caller = callerOf(call);
    const rights = portal.rights.of(caller);
    const visibility = visibilityOf(portal, caller);
    const view = await portal.taskViews.read(params.id);
    const record = await visibility.record(view.facts.app);
    const noRerun = await refusalOfChildren({ portal, caller, rights }, view.facts, view.children);
    const { text, may } = withMay(view.text, { rights, task: { ...view.facts, sites: view.sites, noRerun }, record });
    if (visibility.all) return sendText(ctx, text, `${view.etag}.${etagOf(may).slice(0, 8)}`);
    const seen = await visibility.redact(text);
    sendText(ctx, seen, etagOf(seen));
  },
});
