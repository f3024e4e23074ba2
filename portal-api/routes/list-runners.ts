// GET /v1/runners

import { type RunnerView, runnerView } from "@gantry/wire/agent/sites/views.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { listOf } from "../access/guards/guards.ts";
import { filterVisible, type Visibility, visibilityOf } from "../access/visible.ts";
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

/** A runner works for all teams: of its jobs, a caller sees those of tasks that they may see. */
export async function withVisibleJobs(visibility: Visibility, runner: RunnerView): Promise<RunnerView> {
  if (runner.running === undefined) return runner;
  return { ...runner, running: await filterVisible(runner.running, ({ task }) => visibility.task({ task })) };
}
