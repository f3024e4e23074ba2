// GET /v1/apps

import { appView, page } from "@gantry/wire/agent/views.ts";
import { sitesOfApp } from "../access/decide-sites.ts";
import { appFacts } from "../access/facts.ts";
import { listOf } from "../access/guards/guards.ts";
import { mayOn } from "../access/may.ts";
import { visibilityOf, visibleLatest, visiblePage } from "../access/visible.ts";
import { sendVisible } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { json, pageQuery } from "../http/schemas.ts";

export const listApps = route({
  method: "GET",
  path: "/v1/apps",
  id: "listApps",
  tag: "apps",
  summary: "List apps",
  right: listOf("view"),
  verb: "see apps",
  query: pageQuery,
  responses: { 200: json("A page of apps", page(appView)) },
  handle: async (call) => {
    const { ctx, portal, query } = call;
    const caller = callerOf(call);
    const visibility = visibilityOf(portal, caller);
    const rights = portal.rights.of(caller);
    const { items, ...rest } = visibility.none
      ? { items: [] }
      : await visiblePage(
          visibility,
          { limit: 200, ...query },
          (part) => portal.agent.apps(part),
          ({ name, record }) =>
            Promise.resolve(visibility.all || rights.may({ ...appFacts({ record }), app: name, verb: "view" })),
        );
    const shown = items.map(async (app) => {
      const about = { ...appFacts(app), app: app.name };
      const latest = await visibleLatest(visibility, app);
      return { ...app, latest, may: mayOn(rights, about, sitesOfApp(app.record)).may };
    });
    await sendVisible(ctx, visibility, { items: await Promise.all(shown), ...rest });
  },
});
