// HTTP for the platform plane: wire/agent/agent-api.ts below /agent/v1.

import { GantryError } from "@gantry/core/errors.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { requireBearer } from "@gantry/runtime/http/bearer.ts";
import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import { notModified } from "@gantry/runtime/http/conditional.ts";
import { readJson, readQuery } from "@gantry/runtime/http/read-request.ts";
import { LOG_FINAL_HEADER, LOG_SIZE_HEADER, MAX_TAGS } from "@gantry/wire/agent/agent-api.ts";
import { tagOf } from "@gantry/wire/agent/views.ts";
import { requireProtocol } from "@gantry/wire/protocol-version.ts";
import Router from "@koa/router";
import type Koa from "koa";
import { z } from "zod";
import type { RunnerRegistry } from "../dispatch/runner-registry.ts";
import type { Feed } from "../events/feed.ts";
import type { Leases } from "../leases/leases.ts";
import type { LogStore } from "../logs/log-store.ts";
import type { Definitions } from "../tasks/definitions.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import { appStream, taskStream } from "../tasks/task-stream.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { taskCalls } from "./task-calls.ts";
import { appView, pipelineView, taskSummary } from "./view.ts";

export type PortalRoutesDeps = {
  readonly journal: Journal;
  readonly tasks: Tasks;
  readonly definitions: Definitions;
  readonly leases: Leases;
  readonly logs: LogStore;
  readonly feed: Feed;
  readonly registry: RunnerRegistry;
  readonly portalUrl: string;
  readonly newId: () => string;
  readonly token: string;
  readonly admit?: (principal: string) => void;
  readonly onCancel: (task: TaskRecord) => void;
  /** Takes a runner out of service. */
  readonly onRemove: (runner: string) => Promise<void>;
};

const limit = z.coerce.number().pipe(z.int().min(1).max(1_000)).default(50);
const count = z.coerce.number().pipe(z.int().min(0)).default(0);
const wait = z.coerce.number().pipe(z.int().min(0).max(30_000)).default(0);
const listQuery = z.strictObject({
  state: z.string().optional(),
  app: z.string().optional(),
  pipeline: z.string().optional(),
  limit,
  cursor: z.string().optional(),
});

const changeQuery = z.strictObject({ after: count, wait });
const eventsQuery = z.strictObject({ after: count, limit, wait });
const tagsQuery = z.strictObject({
  ids: z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(z.string().regex(/^[\w-]{1,100}$/)).max(MAX_TAGS)),
});
const pageQuery = z.strictObject({ limit, cursor: z.string().optional() });
const feedQuery = z.strictObject({ after: z.coerce.number().pipe(z.int().min(0)).optional(), limit, wait });
const logQuery = z.strictObject({
  attempt: z.coerce.number().pipe(z.int().min(1)).optional(),
  from: count,
  limit: z.coerce.number().pipe(z.int().min(1).max(4_194_304)).default(1_048_576),
  wait,
});
/** Checked by the call itself. */
const body = z.unknown();

export function portalRoutes(deps: PortalRoutesDeps): Router {
  const { definitions, logs, feed, registry, journal } = deps;
  const router = new Router({ prefix: "/agent/v1" });
  router.use(requireBearer([deps.token]));
  router.use(requireProtocol("the task-agent"));

  const calls = taskCalls(deps);
  const { known, view } = calls;

  router.post("/tasks", async (ctx) => {
    ctx.body = await calls.start(await readJson(ctx, body));
    ctx.status = 202;
  });
  router.get("/tasks", async (ctx) => {
    ctx.body = await listTasks(deps, readQuery(ctx, listQuery));
  });

  router.get("/tasks/:id", async (ctx) => {
    const query = readQuery(ctx, changeQuery);
    let record = await known(ctx.params.id);
    if (query.wait > 0 && record.version <= query.after) {
      await feed.taskChanged(record.state.id, record.version, query.wait, clientGoneSignal(ctx));
      record = await known(ctx.params.id);
    }
    if (!notModified(ctx, tagOfRecord(record, deps.leases))) ctx.body = view(record);
  });
  router.get("/task-tags", async (ctx) => {
    const { ids } = readQuery(ctx, tagsQuery);
    const records = await Promise.all(ids.map((id) => deps.tasks.read(id)));
    const known = records.filter((record) => record !== undefined);
    ctx.body = { tags: Object.fromEntries(known.map((one) => [one.state.id, tagOfRecord(one, deps.leases)])) };
  });
  router.get("/tasks/:id/events", async (ctx) => {
    const query = readQuery(ctx, eventsQuery);
    const { state } = await known(ctx.params.id);
    ctx.body = { items: await feed.ofTask(state.id, query.after, query.limit) };
  });
  router.get("/tasks/:id/jobs/:job/steps/:step/log", async (ctx) => sendLog(ctx, await known(ctx.params.id), logs));

  const changes = { cancel: calls.cancel, rerun: calls.rerun, resolve: calls.resolve };
  for (const [verb, change] of Object.entries(changes)) {
    router.post(`/tasks/:id/${verb}`, async (ctx) => {
      ctx.body = await change(ctx.params.id ?? "", await readJson(ctx, body));
      ctx.status = 202;
    });
  }

  router.get("/apps", async (ctx) => {
    const query = readQuery(ctx, pageQuery);
    const page = await journal.find({
      index: "apps",
      limit: query.limit,
      ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
    });
    ctx.body = {
      items: page.items.map((item) => appView(appStream.stateOf(item))),
      ...(page.cursor === undefined ? {} : { nextCursor: page.cursor }),
    };
  });
  router.get("/apps/:name", async (ctx) => {
    const name = ctx.params.name ?? "";
    const loaded = /^[a-z0-9-]+$/.test(name) ? await appStream.load(journal, name) : undefined;
    if (!loaded) throw new GantryError("app-unknown", { app: name });
    ctx.body = appView(loaded.state);
  });

  router.get("/pipelines", (ctx) => {
    ctx.body = { items: definitions.list().map(pipelineView) };
  });
  router.get("/pipelines/:name", (ctx) => {
    const definition = definitions.current(ctx.params.name ?? "");
    if (!definition) throw new GantryError("pipeline-unknown", { pipeline: ctx.params.name ?? "" });
    ctx.body = pipelineView(definition);
  });
  router.get("/steps", (ctx) => {
    ctx.body = { items: definitions.steps };
  });
  router.get("/runners", async (ctx) => {
    ctx.body = { items: await registry.runners() };
  });
  router.post("/runners/:name/remove", async (ctx) => {
    await deps.onRemove(ctx.params.name ?? "");
    ctx.status = 204;
  });
  router.post("/runners/:name/readmit", async (ctx) => {
    await registry.setRemoved(ctx.params.name ?? "", false);
    ctx.status = 204;
  });
  router.get("/sites", async (ctx) => {
    ctx.body = { items: await registry.sites() };
  });
  router.get("/feed", async (ctx) => {
    const query = readQuery(ctx, feedQuery);
    ctx.body =
      query.after === undefined
        ? await feed.newest()
        : await feed.page(query.after, query.limit, query.wait, clientGoneSignal(ctx));
  });
  return router;
}

async function listTasks(
  { journal, definitions }: PortalRoutesDeps,
  query: z.output<typeof listQuery>,
): Promise<object> {
  const by = query.app === undefined ? (query.state === undefined ? undefined : "tasks-by-state") : "tasks-by-app";
  const prefix = query.app ?? query.state;
  const page = await journal.find({
    index: by ?? "tasks",
    ...(prefix === undefined ? {} : { prefix: `${prefix}/` }),
    limit: query.limit,
    order: "descending",
    ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
  });
  const wanted = page.items
    .map(taskStream.stateOf)
    .filter((state) => query.pipeline === undefined || state.pipeline === query.pipeline)
    .filter(
      (state) => query.app === undefined || query.state === undefined || (state.outcome ?? "open") === query.state,
    );
  // What the page brings is as new as another look at each task would be.
  const items = wanted.map(async (state) => taskSummary(state, await definitions.pinned(state.definition)));
  return {
    items: await Promise.all(items),
    ...(page.cursor === undefined ? {} : { nextCursor: page.cursor }),
  };
}

function tagOfRecord({ state, version }: TaskRecord, leases: Leases): string {
  const silent = Object.values(state.jobs).filter((job) => leases.silentSince(state.id, job.key) !== undefined);
  return tagOf(version, silent.length);
}

/** Also for tasks in the archive. */
export async function sendLog(
  ctx: Koa.ParameterizedContext & { params: Record<string, string> },
  { state, pipeline }: TaskRecord,
  logs: LogStore,
): Promise<void> {
  const query = readQuery(ctx as Koa.Context, logQuery);
  const { job: key = "", step = "" } = ctx.params;
  const job = state.jobs[key];
  const definition = [...pipeline.jobs, ...pipeline.finally].find((one) => one.id === (job?.id ?? key));
  if (!definition?.steps.some((one) => one.id === step))
    throw new GantryError("not-found", { kind: "step", name: `${key}/${step}` });
  const attempt = query.attempt ?? job?.attempt ?? 1;
  const part = await logs.read(
    { task: state.id, job: key, attempt, step },
    { from: query.from, limit: query.limit, waitMs: query.wait, gone: clientGoneSignal(ctx as Koa.Context) },
  );
  // A step whose job has ended has no more to say, even when its runner was lost before it closed the log.
  const ended = job?.phase === "ended" || (job !== undefined && attempt < job.attempt);
  ctx.set(LOG_SIZE_HEADER, String(part.size));
  ctx.set(LOG_FINAL_HEADER, String(part.final || (ended && query.wait > 0 && part.bytes.length === 0)));
  ctx.type = "application/octet-stream";
  ctx.body = part.bytes;
}
