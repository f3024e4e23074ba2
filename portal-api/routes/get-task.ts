// GET /v1/tasks/{id}

import { taskView } from "@gantry/wire/agent/views.ts";
import { onTask } from "../access/guards.ts";
import { mayOn } from "../access/may.ts";
import { sightOf } from "../access/visible.ts";
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
    const sight = sightOf(portal, caller);
    const view = await portal.taskViews.read(params.id);
    const { app } = view.facts;
    const record = rights.needs.record && app !== undefined ? await portal.facts.app(app) : {};
    const may = JSON.stringify(mayOn(rights, { ...record, ...view.facts }, view.sites));
    // The cached view is JSON of an object, and so is `may`: both become one object without parsing the view again.
    const text = `${view.text.slice(0, -1)},${may.slice(1)}`;
    if (sight.all) return sendText(ctx, text, `${view.etag}.${etagOf(may).slice(0, 8)}`);
    const seen = await sight.redact(text);
    sendText(ctx, seen, etagOf(seen));
  },
});
