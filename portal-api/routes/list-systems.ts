// GET /v1/systems: the external systems of all sites.

import { systemView } from "@gantry/wire/agent/sites/views.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { listOf } from "../access/guards/guards.ts";
import { visibilityOf } from "../access/visible.ts";
import { sendJson } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { json } from "../http/schemas.ts";

export const listSystems = route({
  method: "GET",
  path: "/v1/systems",
  id: "listSystems",
  tag: "sites",
  summary: "List the external systems of all sites",
  right: listOf("view-sites"),
  verb: "see systems",
  responses: { 200: json("All systems", page(systemView)) },
  handle: async (call) => {
    const visibility = visibilityOf(call.portal, callerOf(call));
    const sites = (await call.portal.agent.sites()).items.filter(({ name }) => visibility.site(name));
    sendJson(call.ctx, {
      items: sites.flatMap((site) => site.systems.map((system) => ({ site: site.name, ...system }))),
    });
  },
});
