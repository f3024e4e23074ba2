// The state of targets as the task-agent shows it, and its routes of `/agent/v1`. Part of routes.ts.

import { LIVE_STATES } from "@gantry/core/fleet/live-states.ts";
import { HEALTHS, observedApplication, SYNCS } from "@gantry/core/fleet/observed.ts";
import { route } from "@gantry/runtime/http/route.ts";
import { z } from "zod";
import { name } from "./agent-api.ts";

const time = z.iso.datetime().describe("RFC 3339, UTC");
const { conditions, drift, operation, reasons } = observedApplication.shape;

export const targetView = z
  .object({
    app: z.string(),
    team: z.string().optional(),
    target: z.string().describe("Its name in the app"),
    site: z.string(),
    environment: z.string().optional(),
    cluster: z.string(),
    namespace: z.string(),
    application: z.string().describe("Its application in the Argo CD of the site"),
    state: z.enum(LIVE_STATES).describe("The worst of health and sync; `not-heard-from` when what is known is old"),
    since: time.optional().describe("Since when. Absent: nothing was seen yet"),
    reason: z.string().optional().describe("Why it is not healthy, in words"),
    health: z.enum(HEALTHS).optional().describe("As Argo CD said last. Absent: it has shown no such application"),
    healthSince: time.optional(),
    sync: z.enum(SYNCS).optional(),
    syncSince: time.optional(),
    autoSync: z.boolean().optional(),
    revisions: z.array(z.string()).describe("The commits that Argo CD compared with"),
    images: z.array(z.string()).describe("What runs"),
    running: z
      .object({
        build: z.int(),
        commit: z.string(),
        subject: z.string().optional(),
        url: z.string().optional().describe("The commit, for people"),
      })
      .optional()
      .describe("The build of the images that run, if one is known"),
    deployed: z
      .object({ build: z.int().optional(), task: z.string(), by: z.string(), at: time, outcome: z.string() })
      .optional()
      .describe("The last deployment by Gantry"),
    operation: operation.describe("The last operation of Argo CD"),
    conditions,
    drift: drift.describe("What differs from git"),
    reasons: reasons.describe("Resources that are not well"),
    system: z.string().optional().describe("The Argo CD that shows it"),
    url: z.string().optional().describe("The application in Argo CD, for people"),
    heardAt: time.optional().describe("When Argo CD was last heard"),
    notHeardSince: time.optional().describe("Everything here is as of then: nobody has heard of Argo CD since"),
  })
  .meta({ id: "TargetState" });
export type TargetView = z.infer<typeof targetView>;

const counts = z
  .partialRecord(z.enum(LIVE_STATES), z.int())
  .describe("State → number of targets; states without targets are left out");

export const GROUPINGS = ["team", "environment", "site", "cluster"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export const fleetSource = z
  .object({
    site: z.string(),
    system: z.string().describe("An Argo CD of the site"),
    heardAt: time.optional(),
    notHeardSince: time.optional(),
    problem: z.string().optional().describe("Why it cannot be watched"),
    runner: z.string().optional().describe("The runner that watches it"),
    applications: z.int(),
    unmatched: z.object({
      count: z.int().describe("Applications that belong to no target of an app"),
      first: z.array(z.string()),
    }),
  })
  .meta({ id: "FleetSource" });
export type FleetSource = z.infer<typeof fleetSource>;

export const fleetView = z
  .object({
    items: z.array(targetView).describe("By app, site and cluster"),
    nextCursor: z.string().optional(),
    total: z.int().describe("Targets that fit"),
    counts,
    groups: z
      .array(z.object({ name: z.string(), total: z.int(), counts }))
      .optional()
      .describe("The largest first"),
    sources: z.array(fleetSource).describe("The Argo CDs that are watched, at sites that the caller may see"),
  })
  .meta({ id: "Fleet" });
export type FleetView = z.infer<typeof fleetView>;

/** What both APIs filter by. */
export const fleetFilter = {
  app: name.optional(),
  team: z.string().max(200).optional(),
  environment: z.string().max(200).optional(),
  site: z.string().max(200).optional(),
  cluster: z.string().max(253).optional(),
  state: z.enum(LIVE_STATES).optional(),
  health: z.enum(HEALTHS).optional(),
  sync: z.enum(SYNCS).optional(),
};

export const MAX_FLEET_APPS = 50_000;

export const fleetQuery = z.strictObject({
  ...fleetFilter,
  /** Only targets of these apps; absent: all. */
  apps: z.array(name).max(MAX_FLEET_APPS).optional(),
  group: z.enum(GROUPINGS).optional(),
  limit: z.int().min(1).max(1_000).default(100),
  cursor: z.string().max(1_000).optional(),
});
export type FleetQuery = z.input<typeof fleetQuery>;

export const fleetChanges = z.object({
  /** `after` of the next request. */
  cursor: z.string(),
  /** More has changed than is remembered, or the agent is another one: everything must be read again. */
  reset: z.boolean(),
  /** As they are now. */
  items: z.array(targetView),
  /** What is heard of an Argo CD has changed: all of its targets may have. */
  sources: z.boolean(),
});
export type FleetChanges = z.infer<typeof fleetChanges>;

const wait = z.coerce.number().pipe(z.int().min(0).max(30_000)).default(0);

export const FLEET_ROUTES = {
  /** A POST, because it names all apps that a person may see. */
  fleet: route({
    method: "POST",
    path: "/fleet/query",
    body: fleetQuery,
    bodyLimit: 4 * 1_048_576,
    answer: fleetView,
  }),
  /** Held for `wait` ms while there is nothing new. Without `after`: where changes begin now. */
  fleetChanges: route({
    method: "GET",
    path: "/fleet/changes",
    query: z.strictObject({ after: z.string().max(100).optional(), wait }),
    answer: fleetChanges,
  }),
};
