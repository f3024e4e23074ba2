// GET /v1/fleet, GET /v1/fleet/changes and GET /v1/apps/{app}/targets: how the targets of apps are now.

import type { FleetQuery, FleetView } from "@gantry/wire/agent/fleet.ts";
import { fleetFilter, fleetView, GROUPINGS, targetView } from "@gantry/wire/agent/fleet.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import { listOf, onApp } from "../access/guards/guards.ts";
import { type Visibility, visibilityOf } from "../access/visible.ts";
import { sendUncachedText, sendVisible } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { inApp, json, pageQuery } from "../http/schemas.ts";
import { fleetSource, visibleTargets } from "../live/fleet-source.ts";
import { sendStream } from "../live/stream.ts";
import type { Portal } from "../portal.ts";

/** An app has at most 100. */
const MAX_TARGETS = 1_000;

export const getFleet = route({
  method: "GET",
  path: "/v1/fleet",
  id: "getFleet",
  tag: "fleet",
  summary: "List the targets of all apps, as they are now",
  description:
    "What the Argo CDs of the sites show, as their runners report it: sync, health, what runs, what differs from git, and when that " +
    "was last heard. `counts` are those of all states, whatever `state` asks for; what the caller may not see is in neither.",
  right: listOf("view"),
  verb: "see apps",
  query: pageQuery.extend({
    ...fleetFilter,
    group: z.enum(GROUPINGS).optional().describe("Also count by this"),
  }),
  responses: { 200: json("A page of the fleet", fleetView) },
  handle: async (call) => {
    const { ctx, portal, query } = call;
    const visibility = visibilityOf(portal, callerOf(call));
    await sendVisible(ctx, visibility, await visibleFleet(portal, visibility, { limit: 100, ...query }));
  },
});

const NOTHING: FleetView = { items: [], total: 0, counts: {}, sources: [] };

/** The task-agent counts, so it is told which apps count. */
async function visibleFleet(portal: Portal, visibility: Visibility, query: FleetQuery): Promise<FleetView> {
  if (visibility.none || (query.app !== undefined && !(await visibility.app(query.app)))) return NOTHING;
  const apps = visibility.all ? undefined : query.app === undefined ? await visibility.apps() : [query.app];
  if (apps?.length === 0) return NOTHING;
  const { cursors } = visibility;
  const asked = { ...query, cursor: query.cursor && cursors.open(query.cursor), apps: apps && [...apps] };
  const { nextCursor, sources, ...fleet } = await portal.agent.fleet(asked);
  return {
    ...fleet,
    sources: sources.filter(({ site }) => visibility.site(site)),
    ...(nextCursor === undefined ? {} : { nextCursor: cursors.seal(nextCursor) }),
  };
}

export const listTargets = route({
  method: "GET",
  path: "/v1/apps/{app}/targets",
  id: "listTargets",
  tag: "fleet",
  summary: "List the targets of an app, as they are now",
  right: onApp("view"),
  verb: "see apps",
  params: inApp,
  responses: { 200: json("All targets of the app", page(targetView)) },
  errors: ["app-unknown"],
  handle: async (call) => {
    const { ctx, portal, params } = call;
    const visibility = visibilityOf(portal, callerOf(call));
    const [{ items }] = await Promise.all([
      portal.agent.fleet({ app: params.app, apps: [params.app], limit: MAX_TARGETS }),
      portal.agent.app(params.app),
    ]);
    await sendVisible(ctx, visibility, { items });
  },
});

const cursor = z.string().regex(/^[\w-]{1,64}\.\d{1,15}$/, "must be a cursor of these changes");

export const watchFleet = route({
  method: "GET",
  path: "/v1/fleet/changes",
  id: "watchFleet",
  tag: "fleet",
  summary: "Follow the targets of all apps",
  description:
    "With `Accept: text/event-stream` a stream: `event: targets` has targets as they are now, and `event: reset` says that the fleet " +
    "must be read again. `Last-Event-ID` resumes. Otherwise what has changed after a cursor, at once; without one, the cursor.",
  right: listOf("view"),
  verb: "see apps",
  waits: true,
  query: z.strictObject({ after: cursor.optional().describe("The cursor of the last answer") }),
  responses: {
    200: {
      description: "What has changed",
      content: {
        "application/json": z.object({
          cursor: z.string().describe("`after` of the next request"),
          reset: z
            .boolean()
            .describe("Read the fleet again: changes were missed, or an Argo CD is heard or not from now on"),
          items: z.array(targetView).describe("Targets as they are now"),
        }),
        "text/event-stream": z.string(),
      },
    },
  },
  handle: async (call) => {
    const { ctx, portal, query } = call;
    const caller = callerOf(call);
    const visibility = (): Visibility => visibilityOf(portal, caller);
    ctx.vary("Accept");
    if (ctx.accepts("json", "text/event-stream") === "text/event-stream") {
      const last = cursor.safeParse(ctx.get("last-event-id"));
      sendStream({ ...call, caller }, fleetSource(portal.fleetHub, last.success ? last.data : query.after, visibility));
      return;
    }
    const { items, reset, sources, ...rest } = await portal.agent.fleetChanges({ after: query.after });
    const visible = await visibleTargets(visibility(), items);
    sendUncachedText(
      ctx,
      await visibility().redact(JSON.stringify({ ...rest, reset: reset || sources, items: visible })),
    );
  },
});
