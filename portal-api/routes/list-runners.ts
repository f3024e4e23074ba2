// GET /v1/runners

import { page, runnerView } from "@gantry/wire/agent/views.ts";
import { listOf } from "../access/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import { withVisibleJobs } from "../access/visible-jobs.ts";
import { sendJson } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { json } from "../http/schemas.ts";

export const listRunners = route({
  method: "GET",
  path: "/v1/runners",
  id: "listRunners",
  tag: "sites",
  summary: "List the runners of all sites",
  right: listOf("view-sites"),
  verb: "see runners",
  responses: { 200: json("All runners", page(runnerView)) },
  handle: async (call) => {
    const visibility = visibilityOf(call.portal, callerOf(call));
    const { items } = await call.portal.agent.runners();
    const ofSites = items.filter(({ site }) => visibility.site(site));
    const shown = await Promise.all(ofSites.map((runner) => withVisibleJobs(visibility, runner)));
    sendJson(call.ctx, { items: shown });
  },
});
