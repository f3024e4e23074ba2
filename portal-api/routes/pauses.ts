// GET /v1/pauses, and pause and resume of an app, a pipeline, a site and a queue

import { type Pausable, pausedInWords } from "@gantry/core/pause/pause.ts";
import { type PauseView, pauseRequest, pauseView } from "@gantry/wire/agent/pauses.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import { listOf, onApp, onInstallation, onNamedPipeline } from "../access/guards/guards.ts";
import { onNamedSite } from "../access/guards/site-guards.ts";
import { filterVisible, type Visibility, visibilityOf } from "../access/visible.ts";
import { sendUncached, sendVisible } from "../http/respond.ts";
import { type Call, callerOf, type Route, route } from "../http/route.ts";
import { inApp, json, name } from "../http/schemas.ts";

const inPipeline = z.strictObject({ name: z.string().max(130) });
const inSite = z.strictObject({ site: name });
const queue = z.string().min(1).max(500).describe("The concurrency group, with its expressions filled in");

const EXAMPLE = { reason: "The database is moved tonight", until: "2026-12-01T06:00:00Z" };
const PAUSED = { 200: json("What is paused", pauseView) };
const RESUMED = { 204: { description: "It is not paused" } };
const PAUSE = "Jobs that run go on. No other job of it starts until it is resumed, or until the time given.";

const listPauses = route({
  method: "GET",
  path: "/v1/pauses",
  id: "listPauses",
  tag: "tasks",
  summary: "List what is paused: apps, pipelines, sites and queues, with who paused them, why and until when",
  right: listOf("view"),
  verb: "see what is paused",
  responses: { 200: json("What is paused, oldest first", page(pauseView)) },
  handle: async (call) => {
    const visibility = visibilityOf(call.portal, callerOf(call));
    const { items } = await call.portal.agent.pauses();
    await sendVisible(call.ctx, visibility, { items: await filterVisible(items, (one) => sees(visibility, one)) });
  },
});

/** The name of a concurrency group may say anything, so only those see it who see all tasks. */
async function sees(visibility: Visibility, { of, name: about }: PauseView): Promise<boolean> {
  if (of === "app") return visibility.app(about);
  if (of === "pipeline") return visibility.pipeline(about);
  return of === "site" ? visibility.site(about) : visibility.all;
}

type Pausing = Call<unknown, unknown, z.output<typeof pauseRequest>>;

async function pause(call: Pausing, of: Pausable, about: string): Promise<void> {
  const { reason, until } = call.body;
  const end = until === undefined ? {} : { until };
  const principal = callerOf(call).name;
  const { items } = await call.portal.agent.pause({ of, name: about, reason, ...end, principal });
  const found = items.find((one) => one.of === of && one.name === about);
  if (!found) throw new Error(`${pausedInWords({ of, name: about })} is not paused after the request`);
  sendUncached(call.ctx, found);
}

async function resume(call: Call<unknown, unknown, unknown>, of: Pausable, about: string): Promise<void> {
  await call.portal.agent.resume({ of, name: about, principal: callerOf(call).name });
  call.ctx.status = 204;
}

export const pauseRoutes: readonly Route[] = [
  listPauses,
  route({
    ...{ method: "POST", path: "/v1/apps/{app}/pause", id: "pauseApp", tag: "apps", verb: "pause an app" },
    ...{ summary: "Pause an app", description: PAUSE, right: onApp("pause-app"), params: inApp },
    ...{ body: pauseRequest, example: EXAMPLE, responses: PAUSED, errors: ["conflict"] },
    handle: (call) => pause(call, "app", call.params.app),
  }),
  route({
    ...{ method: "POST", path: "/v1/apps/{app}/resume", id: "resumeApp", tag: "apps", verb: "resume an app" },
    ...{ summary: "Resume an app", right: onApp("pause-app"), params: inApp, responses: RESUMED, errors: ["conflict"] },
    handle: (call) => resume(call, "app", call.params.app),
  }),
  route({
    ...{ method: "POST", path: "/v1/pipelines/{name}/pause", id: "pausePipeline", tag: "pipelines" },
    ...{ summary: "Pause a pipeline, for all apps", description: PAUSE, verb: "pause a pipeline" },
    ...{ right: onNamedPipeline("pause-pipeline"), params: inPipeline },
    ...{ body: pauseRequest, example: EXAMPLE, responses: PAUSED, errors: ["conflict"] },
    handle: (call) => pause(call, "pipeline", call.params.name),
  }),
  route({
    ...{ method: "POST", path: "/v1/pipelines/{name}/resume", id: "resumePipeline", tag: "pipelines" },
    ...{ summary: "Resume a pipeline", verb: "resume a pipeline", right: onNamedPipeline("pause-pipeline") },
    ...{ params: inPipeline, responses: RESUMED, errors: ["conflict"] },
    handle: (call) => resume(call, "pipeline", call.params.name),
  }),
  route({
    ...{ method: "POST", path: "/v1/sites/{site}/pause", id: "pauseSite", tag: "sites", verb: "pause a site" },
    ...{ summary: "Pause a site", description: PAUSE, right: onNamedSite("manage-runners"), params: inSite },
    ...{ body: pauseRequest, example: EXAMPLE, responses: PAUSED, errors: ["conflict", "not-found"] },
    handle: (call) => pause(call, "site", call.params.site),
  }),
  route({
    ...{ method: "POST", path: "/v1/sites/{site}/resume", id: "resumeSite", tag: "sites", verb: "resume a site" },
    ...{ summary: "Resume a site", right: onNamedSite("manage-runners"), params: inSite },
    ...{ responses: RESUMED, errors: ["conflict", "not-found"] },
    handle: (call) => resume(call, "site", call.params.site),
  }),
  route({
    ...{ method: "POST", path: "/v1/queues/pause", id: "pauseQueue", tag: "tasks", verb: "pause a queue" },
    ...{ summary: "Pause a queue: the tasks and jobs of a concurrency group", description: PAUSE },
    ...{ right: onInstallation("manage-settings"), body: pauseRequest.extend({ group: queue }) },
    ...{ example: { ...EXAMPLE, group: "release/orders" }, responses: PAUSED, errors: ["conflict"] },
    handle: (call) => pause(call, "queue", call.body.group),
  }),
  route({
    ...{ method: "POST", path: "/v1/queues/resume", id: "resumeQueue", tag: "tasks", verb: "resume a queue" },
    ...{ summary: "Resume a queue", right: onInstallation("manage-settings") },
    ...{ body: z.strictObject({ group: queue }), example: { group: "release/orders" }, responses: RESUMED },
    errors: ["conflict"],
    handle: (call) => resume(call, "queue", call.body.group),
  }),
];
