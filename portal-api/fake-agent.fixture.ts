// A small task-agent for tests: keeps tasks, events and logs in memory and answers wire/agent/routes.ts over real HTTP. It
// runs nothing by itself: a test decides what happens next.

import { hash } from "node:crypto";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Outcome } from "@gantry/core/task/states.ts";
import { pause, systemClock } from "@gantry/runtime/clock.ts";
import { createApp } from "@gantry/runtime/http/app.ts";
import { requireBearer } from "@gantry/runtime/http/bearer.ts";
import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import { type Listening, listen } from "@gantry/runtime/http/listen.ts";
import { addRoutes, type RouteHandlers } from "@gantry/runtime/http/serve-routes.ts";
import { LOG_FINAL_HEADER, LOG_SIZE_HEADER, type StartTask } from "@gantry/wire/agent/agent-api.ts";
import { AGENT_PREFIX, AGENT_ROUTES, type AgentRoutes } from "@gantry/wire/agent/routes.ts";
import {
  type AppView,
  type BuildView,
  type FeedEvent,
  type PipelineView,
  type SiteView,
  type TaskView,
  taskTag,
} from "@gantry/wire/agent/views.ts";
import type { SettingsView } from "@gantry/wire/settings/settings.ts";
import Router from "@koa/router";
import type Koa from "koa";

export const AGENT_TOKEN = "a-token-of-the-platform-plane";

export type FakeAgent = {
  readonly url: string;
  readonly token: string;
  readonly requests: string[];
  /** Adds a task as if it had been started. */
  readonly addTask: (fields?: Partial<TaskView>) => TaskView;
  readonly addApp: (fields: Partial<AppView>) => AppView;
  /** Adds a runner, and its site when it is the first one there. */
  readonly addRunner: (name: string, site: string) => void;
  /** A job that waits at a site. */
  readonly queue: (site: string, job: SiteView["queue"][number]) => void;
  readonly addPipeline: (fields: Partial<PipelineView>) => void;
  readonly emit: (task: string, kind: string, more?: JsonObject) => FeedEvent;
  readonly end: (task: string, outcome: Outcome) => FeedEvent;
  readonly writeLog: (text: string, options?: { final?: boolean }) => void;
  /** The whole state as text, to compare before and after. */
  readonly state: () => string;
  /** Forgets everything, as an agent with another journal would. */
  readonly wipe: () => void;
  /** During an outage every connection is cut. */
  readonly setOut: (out: boolean) => void;
  /** Without tags it behaves like the previous version, which does not have the route for tags. */
  readonly setTags: (known: boolean) => void;
  /** Without it behaves like a version that cannot list the tasks of some apps. */
  readonly setAppsQuery: (known: boolean) => void;
  readonly close: () => Promise<void>;
};

type State = {
  apps: Map<string, AppView>;
  sites: Map<string, SiteView>;
  builds: Map<string, BuildView[]>;
  pipelines: Map<string, PipelineView>;
  tasks: Map<string, TaskView>;
  keys: Map<string, { body: string; task: string }>;
  events: FeedEvent[];
  log: { bytes: Buffer; final: boolean };
};

const AT = "2026-11-20T07:00:00Z";
const newState = (): State => ({
  apps: new Map([[APP.name, APP]]),
  sites: new Map([[SITE.name, SITE]]),
  builds: new Map(),
  pipelines: new Map([[PIPELINE.name, PIPELINE]]),
  tasks: new Map(),
  keys: new Map(),
  events: [],
  log: { bytes: Buffer.alloc(0), final: false },
});

const PIPELINE: PipelineView = {
  name: "ci",
  title: "CI",
  summary: "Builds an image",
  button: "Run CI",
  app: "existing",
  version: "1",
  params: { type: "object", properties: { ref: { type: "string" } }, required: [], additionalProperties: false },
  jobs: [{ id: "build", title: "Build", needs: [], site: "seoul", steps: [{ id: "checkout", title: "Check out" }] }],
};
const APP: AppView = {
  name: "orders",
  state: "ready",
  createdBy: "ada",
  createdAt: AT,
  task: "t0",
  record: { title: "Orders" },
  facts: {},
  latest: {},
};
const SITE: SiteView = {
  name: "seoul",
  state: "online",
  runners: [],
  systems: [{ name: "harbor", kind: "harbor", url: "http://harbor.seoul", standIn: true }],
  queue: [],
};

const RUNNER: SiteView["runners"][number] = {
  name: "seoul-1",
  site: "seoul",
  state: "online",
  labels: [],
  slots: 4,
  busy: 0,
  version: "0.1.0",
  host: { name: "host-1", platform: "linux", cpus: 2, memoryMb: 4_096 },
  lastHeardAt: AT,
};

const SETTINGS: SettingsView = { version: 0, items: [] };

export async function startFakeAgent(): Promise<FakeAgent> {
  let state = newState();
  let isOut = false;
  let knowsTags = true;
  let knowsApps = true;
  const requests: string[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const one of [...waiting]) one();
  };

  const emit: FakeAgent["emit"] = (task, kind, more = {}) => {
    const view = need(state, task);
    const event = newEvent(state, view, kind, more);
    state.events.push(event);
    state.tasks.set(task, { ...view, version: view.version + 1 });
    wake();
    return event;
  };

  const addTask: FakeAgent["addTask"] = (fields = {}) => {
    const task = { ...newTask(`t${state.tasks.size + 1}`), ...fields };
    state.tasks.set(task.id, task);
    emit(task.id, "TaskRequested");
    return need(state, task.id);
  };

  /** Waits until something happens, for at most `ms`, or until the client leaves. */
  const hold = (ctx: Koa.Context, ms: number): Promise<void> =>
    pause(systemClock, ms, clientGoneSignal(ctx), (done) => {
      waiting.add(done);
      return () => waiting.delete(done);
    });

  const silent = (): void => undefined;
  const logger = { debug: silent, info: silent, warn: silent, error: silent };
  const app = createApp({ name: "fake-agent", logger });
  app.use(async (ctx, next) => {
    requests.push(`${ctx.method} ${ctx.url}`);
    if (isOut) {
      ctx.respond = false;
      ctx.req.socket.destroy();
      return;
    }
    await next();
  });
  app.use(requireBearer([AGENT_TOKEN]));
  app.use((ctx, next) => {
    if (!knowsApps && "apps" in ctx.query) throw new GantryError("bad-request", { problem: "unknown key apps" });
    return next();
  });
  app.use((ctx, next) =>
    ctx.path === `${AGENT_PREFIX}${AGENT_ROUTES.taskTags.path}` && !knowsTags ? undefined : next(),
  );
  app.use(makeRoutes({ state: () => state, addTask, emit, hold }).routes());
  const server: Listening = await listen(app, { host: "127.0.0.1", port: 0 });

  return {
    url: server.url,
    token: AGENT_TOKEN,
    requests,
    addTask,
    addApp: (fields) => {
      const app = { ...APP, ...fields };
      state.apps.set(app.name, app);
      return app;
    },
    addRunner: (name, site) => {
      const known = state.sites.get(site) ?? { ...SITE, name: site, systems: [], runners: [] };
      state.sites.set(site, { ...known, runners: [...known.runners, { ...RUNNER, name, site }] });
    },
    queue: (site, job) => {
      const known = state.sites.get(site) ?? SITE;
      state.sites.set(site, { ...known, queue: [...known.queue, job] });
    },
    addPipeline: (fields) => {
      const pipeline = { ...PIPELINE, ...fields };
      state.pipelines.set(pipeline.name, pipeline);
    },
    emit,
    end: (task, outcome) => {
      state.tasks.set(task, { ...need(state, task), state: outcome, endedAt: AT });
      return emit(task, "TaskEnded", { outcome });
    },
    writeLog: (text, { final = false } = {}) => {
      state.log = { bytes: Buffer.concat([state.log.bytes, Buffer.from(text)]), final };
      wake();
    },
    state: () => JSON.stringify([[...state.tasks], [...state.keys], state.events]),
    wipe: () => {
      state = newState();
      wake();
    },
    setOut: (out) => {
      isOut = out;
      wake();
    },
    setTags: (known) => {
      knowsTags = known;
    },
    setAppsQuery: (known) => {
      knowsApps = known;
    },
    close: async () => {
      wake();
      await server.close();
    },
  };
}

type Parts = Pick<FakeAgent, "addTask" | "emit"> & {
  readonly state: () => State;
  readonly hold: (ctx: Koa.Context, ms: number) => Promise<void>;
};
type Handlers = Partial<RouteHandlers<AgentRoutes>>;

/** Without the route for following settings, like an older agent. */
function makeRoutes(parts: Parts): Router {
  const router = new Router({ prefix: AGENT_PREFIX });
  const handlers: Handlers = { ...taskHandlers(parts), ...logAndFeed(parts), ...catalog(parts), ...FIXED };
  addRoutes(router, AGENT_ROUTES, handlers);
  return router;
}

function taskHandlers({ state, addTask, emit }: Parts): Handlers {
  const once = (wish: StartTask): TaskView => {
    const scope = `${wish.principal} ${wish.idempotencyKey}`;
    const body = JSON.stringify(wish);
    const known = state().keys.get(scope);
    if (known && known.body !== body) throw new GantryError("idempotency-key-reused");
    if (known) return need(state(), known.task);
    checkParams(wish);
    const task = addTask({ pipeline: wish.pipeline, app: wish.app, params: wish.params, requestedBy: wish.principal });
    state().keys.set(scope, { body, task: task.id });
    return task;
  };
  return {
    startTask: ({ body }) => once(body),
    tasks: ({ query: { app, apps, limit, cursor } }) => {
      const all = [...state().tasks.values()].reverse();
      const wanted = all
        .filter((task) => app === undefined || task.app === app)
        .filter((task) => apps === undefined || (task.app !== undefined && apps.includes(task.app)));
      return pageOf(wanted, ({ id }) => id, { limit, cursor });
    },
    task: ({ params }) => need(state(), params.id),
    taskTags: ({ query: { ids } }) => {
      const known = ids.map((id) => state().tasks.get(id)).filter((task) => task !== undefined);
      return { tags: Object.fromEntries(known.map((task) => [task.id, taskTag(task)])) };
    },
    taskEvents: ({ params: { id }, query: { after, limit } }) => {
      need(state(), id);
      const ofTask = state().events.filter((event) => event.subject === id);
      return { items: ofTask.filter((event) => event.taskseq > after).slice(0, limit) };
    },
    cancel: ({ params: { id }, body: { principal } }) => {
      const task = need(state(), id);
      if (task.endedAt) throw new GantryError("already-ended", { task: task.id, outcome: task.state });
      emit(task.id, "CancelRequested", { by: principal });
      return need(state(), task.id);
    },
    rerun: ({ params: { id }, body: { principal, idempotencyKey } }) =>
      once({ pipeline: need(state(), id).pipeline, params: {}, principal, idempotencyKey }),
    resolve: ({ params: { id }, body: { job } }) => {
      emit(need(state(), id).id, "JobResolved", { job });
      return need(state(), id);
    },
  };
}

function logAndFeed({ state, hold }: Parts): Handlers {
  return {
    log: async ({ ctx, params: { id, step }, query: { from, limit, wait } }) => {
      need(state(), id);
      if (step !== "checkout") throw new GantryError("not-found", { kind: "log", name: "of this step" });
      const until = performance.now() + wait;
      while (from >= state().log.bytes.length && !state().log.final && performance.now() < until) {
        await hold(ctx, until - performance.now());
      }
      const { bytes, final } = state().log;
      ctx.set(LOG_SIZE_HEADER, String(bytes.length));
      ctx.set(LOG_FINAL_HEADER, String(final));
      ctx.body = bytes.subarray(from, from + limit);
      return undefined;
    },
    feed: async ({ ctx, query: { after, limit, wait } }) => {
      const last = (): number => state().events.at(-1)?.seq ?? 0;
      if (after === undefined) return { events: [], last: last() };
      if (last() <= after) await hold(ctx, wait);
      const events = state()
        .events.filter((event) => event.seq > after)
        .slice(0, limit);
      return { events, last: events.at(-1)?.seq ?? last() };
    },
  };
}

/** The cursor has the number of items before the page and, as that of a journal, the key of the last one that was read. */
function pageOf<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): { items: T[]; nextCursor?: string } {
  const start = cursor === undefined ? 0 : Number.parseInt(Buffer.from(cursor, "base64url").toString(), 10);
  const items = all.slice(start, start + limit);
  const last = items.at(-1);
  if (last === undefined || all.length <= start + limit) return { items };
  return { items, nextCursor: Buffer.from(`${start + limit} ${keyOf(last)}`).toString("base64url") };
}

function catalog({ state }: Pick<Parts, "state">): Handlers {
  const sites = (): readonly SiteView[] => [...state().sites.values()];
  const needApp = (name: string): AppView => {
    const app = state().apps.get(name);
    if (!app) throw new GantryError("app-unknown", { app: name });
    return app;
  };
  const needRunner = (name: string): undefined => {
    const isKnown = name === "seoul-1" || sites().some(({ runners }) => runners.some((one) => one.name === name));
    if (!isKnown) throw new GantryError("not-found", { kind: "runner", name });
  };
  return {
    apps: ({ query }) => pageOf([...state().apps.values()], ({ name }) => name, query),
    app: ({ params: { name } }) => needApp(name),
    builds: ({ params: { name } }) => {
      needApp(name);
      return { items: state().builds.get(name) ?? [] };
    },
    ...appChanges(state, needApp),
    pipelines: () => ({ items: [...state().pipelines.values()] }),
    pipeline: ({ params: { name } }) => {
      const pipeline = state().pipelines.get(name);
      if (!pipeline) throw new GantryError("pipeline-unknown", { pipeline: name });
      return pipeline;
    },
    runners: () => ({ items: sites().flatMap(({ runners }) => runners) }),
    runnerSite: ({ params: { name } }) => {
      needRunner(name);
      return { site: sites().find(({ runners }) => runners.some((one) => one.name === name))?.name ?? SITE.name };
    },
    removeRunner: ({ params: { name } }) => needRunner(name),
    readmitRunner: ({ params: { name } }) => needRunner(name),
    sites: () => ({ items: [...sites()] }),
  };
}

/** Without the checks of a real task-agent, but with its answers. */
function appChanges(state: () => State, needApp: (name: string) => AppView): Handlers {
  const save = (app: AppView): AppView => {
    state().apps.set(app.name, app);
    return app;
  };
  const revisionOf = (record: JsonObject): string => hash("sha256", JSON.stringify(record));
  return {
    adoptApp: ({ params: { name }, body: { app, dryRun, principal } }) => {
      const known = state().apps.get(name);
      if (known && revisionOf(known.record) !== revisionOf(app)) throw new GantryError("app-exists", { app: name });
      const taken = [...state().apps.values()].find(
        (one) => one.name !== name && revisionOf(one.record) === revisionOf(app),
      );
      if (taken)
        throw new GantryError("place-taken", { app: name, target: "seoul", other: taken.name, place: "a folder" });
      const made = { ...APP, name, createdBy: principal, task: "", record: app, revision: revisionOf(app) };
      return { change: known ? "unchanged" : "create", app: known ?? (dryRun ? made : save(made)) };
    },
    changeApp: ({ params: { name }, body: { patch, revision, dryRun } }) => {
      const app = needApp(name);
      if (revision !== undefined && revision !== app.revision)
        throw new GantryError("version-differs", { found: app.revision ?? "", wanted: revision });
      const record = { ...app.record, ...patch };
      const changed = { ...app, record, revision: revisionOf(record) };
      return { change: "change", app: dryRun ? changed : save(changed) };
    },
    renameApp: ({ params: { name }, body: { to } }) => {
      const app = needApp(name);
      state().apps.delete(name);
      return save({ ...app, name: to });
    },
    forgetApp: ({ params: { name } }) => void needApp(name),
  };
}

const FIXED: Handlers = {
  steps: () => ({ items: [] }),
  createEnrolment: ({ body: { site } }) => ({ site, token: "one-time-token", expiresAt: "2026-11-20T07:10:00Z" }),
  renewRunnerKey: ({ params: { name } }) => ({
    site: "seoul",
    runner: name,
    token: "one-time-token",
    expiresAt: "2026-11-20T07:10:00Z",
  }),
  settings: () => SETTINGS,
  changeSettings: () => SETTINGS,
  settingsHistory: () => ({ items: [] }),
};

/** The only rule of the fake pipelines: `ref` is a text. */
function checkParams({ pipeline, params }: StartTask): void {
  if (params.ref === undefined || typeof params.ref === "string") return;
  const problems = [{ detail: "This must be a text.", pointer: "/params/ref" }];
  throw new GantryError("bad-params", { pipeline, problem: "ref must be a text." }, { problems });
}

function need(state: State, id: string): TaskView {
  const task = state.tasks.get(id);
  if (!task) throw new GantryError("not-found", { kind: "task", name: id });
  return task;
}

function newTask(id: string): TaskView {
  return {
    id,
    pipeline: "ci",
    title: "Run CI: orders",
    app: "orders",
    state: "running",
    headline: "CI of orders is running.",
    requestedBy: "ada",
    requestedAt: AT,
    stepsDone: 0,
    stepsTotal: 1,
    sites: ["seoul"],
    version: 0,
    params: {},
    definition: { name: "ci", version: "1" },
    outputs: {},
    jobs: [],
  };
}

function newEvent(state: State, view: TaskView, kind: string, more: JsonObject): FeedEvent {
  const taskseq = state.events.filter((event) => event.subject === view.id).length + 1;
  return {
    specversion: "1.0",
    id: `${view.id}/${taskseq}`,
    source: "/gantry/test",
    type: `dev.gantry.test.${kind.toLowerCase()}.v1`,
    subject: view.id,
    time: AT,
    datacontenttype: "application/json",
    seq: (state.events.at(-1)?.seq ?? 0) + 1,
    taskseq,
    data: {
      task: view.id,
      pipeline: view.pipeline,
      title: view.title,
      ...(view.app === undefined ? {} : { app: view.app }),
      requestedBy: view.requestedBy,
      url: `/tasks/${view.id}`,
      event: { kind, ...more },
    },
  };
}
