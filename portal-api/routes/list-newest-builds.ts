// GET /v1/builds

import type { BuildQuery, Page } from "@gantry/wire/agent/agent-client.ts";
import { type BuildView, buildView, page } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import { listOf } from "../access/guards/guards.ts";
import { type Visibility, visibilityOf, visiblePage } from "../access/visible.ts";
import { fewVisibleApps } from "../access/visible-tasks.ts";
import { sendVisible } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { json, name, pageQuery } from "../http/schemas.ts";
import type { Portal } from "../portal.ts";

export const listNewestBuilds = route({
  method: "GET",
  path: "/v1/builds",
  id: "listNewestBuilds",
  tag: "apps",
  summary: "List the builds of all apps, newest first",
  description:
    "Every CI that passed is a build; CD deploys builds. A page may have fewer builds than the limit although there are more.",
  right: listOf("view"),
  verb: "see apps",
  query: pageQuery.extend({
    app: name.optional(),
    branch: z
      .string()
      .regex(/^[^\p{C}]{1,200}$/u, "must be the name of a branch")
      .optional(),
  }),
  responses: { 200: json("A page of builds", page(buildView)) },
  handle: async (call) => {
    const { ctx, portal, query } = call;
    const visibility = visibilityOf(portal, callerOf(call));
    await sendVisible(ctx, visibility, await visibleBuilds(portal, visibility, { limit: 50, ...query }));
  },
});

type Query = Omit<BuildQuery, "apps"> & { readonly limit: number; readonly app?: string | undefined };

/** Filtered here, whatever the task-agent was asked for. An app that does not exist or is not visible has no builds. */
async function visibleBuilds(
  portal: Portal,
  visibility: Visibility,
  { app, ...query }: Query,
): Promise<Page<BuildView>> {
  if (visibility.none || (app !== undefined && !(await visibility.app(app)))) return { items: [] };
  const apps = app === undefined ? await fewVisibleApps(visibility) : [app];
  if (apps?.length === 0) return { items: [] };
  return visiblePage(
    visibility,
    { ...query, apps },
    (part) => portal.agent.newestBuilds(part),
    (build) => visibility.app(build.app),
  );
}
