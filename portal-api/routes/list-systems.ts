// GET /v1/systems: the external systems of all sites.

import { page, systemView } from "@gantry/wire/agent/views.ts";
import { sendJson } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { json } from "../http/schemas.ts";

export const listSystems = route({
  method: "GET",
  path: "/v1/systems",
  id: "listSystems",
  tag: "sites",
  summary: "List the external systems of all sites",
  access: "viewer",
  verb: "see systems",
  responses: { 200: json("All systems", page(systemView)) },
  handle: async ({ ctx, portal }) => {
    const sites = await portal.agent.sites();
    sendJson(ctx, {
      items: sites.items.flatMap((site) => site.systems.map((system) => ({ site: site.name, ...system }))),
    });
  },
});
