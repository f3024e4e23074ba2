// GET /v1/apps/{app}

import { appView } from "@gantry/wire/agent/views.ts";
import { sitesOfApp } from "../access/decide-sites.ts";
import { appFacts } from "../access/facts.ts";
import { onApp } from "../access/guards/guards.ts";
import { mayOn } from "../access/may.ts";
import { visibilityOf, visibleLatest } from "../access/visible.ts";
import { sendVisible } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { inApp, json } from "../http/schemas.ts";

export const getApp = route({
  method: "GET",
  path: "/v1/apps/{app}",
  id: "getApp",
  tag: "apps",
  summary: "Get an app, with its record and its newest tasks",
  description: "The ETag can be sent as If-Match with a change. It changes with the record.",
  right: onApp("view"),
  verb: "see apps",
  params: inApp,
  responses: { 200: json("The app", appView) },
  errors: ["app-unknown"],
  handle: async (call) => {
    const { ctx, portal, params } = call;
    const caller = callerOf(call);
    const app = await portal.agent.app(params.app);
    const about = { ...appFacts(app), app: app.name };
    const may = mayOn(portal.rights.of(caller), about, sitesOfApp(app.record));
    const visibility = visibilityOf(portal, caller);
    await sendVisible(ctx, visibility, { ...app, latest: await visibleLatest(visibility, app), ...may }, app.revision);
  },
});
