// GET /v1/sites

import { siteView } from "@gantry/wire/agent/sites/views.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { listOf } from "../access/guards/guards.ts";
import { mayOnSite } from "../access/may.ts";
import { filterVisible, visibilityOf } from "../access/visible.ts";
import { sendVisible } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { json } from "../http/schemas.ts";
import { withVisibleJobs } from "./list-runners.ts";

export const listSites = route({
  method: "GET",
  path: "/v1/sites",
  id: "listSites",
  tag: "sites",
  summary: "List sites, with their runners, systems and queues",
  right: listOf("view-sites"),
  verb: "see sites",
  responses: { 200: json("All sites", page(siteView)) },
  handle: async (call) => {
    const visibility = visibilityOf(call.portal, callerOf(call));
    const sites = (await call.portal.agent.sites()).items.filter(({ name }) => visibility.site(name));
    const rights = call.portal.rights.of(callerOf(call));
    const items = sites.map(async (site) => ({
      ...site,
      runners: await Promise.all(site.runners.map((runner) => withVisibleJobs(visibility, runner))),
      queue: await filterVisible(site.queue, visibility.task),
      may: mayOnSite(rights, site.name),
    }));
    await sendVisible(call.ctx, visibility, { items: await Promise.all(items) });
  },
});
