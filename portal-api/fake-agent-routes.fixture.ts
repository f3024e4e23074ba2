// The routes of the fake task-agent: wire/agent/routes.ts without the checks of a real agent.

import { hash } from "node:crypto";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { addRoutes, type RouteHandlers } from "@gantry/runtime/http/serve-routes.ts";
import { LOG_FINAL_HEADER, LOG_SIZE_HEADER, type StartTask } from "@gantry/wire/agent/agent-api.ts";
import { ARTIFACT_SIZE_HEADER } from "@gantry/wire/agent/artifacts.ts";
import type { TargetView } from "@gantry/wire/agent/fleet.ts";
import type { PauseView } from "@gantry/wire/agent/pauses.ts";
import type { AppProposal } from "@gantry/wire/agent/proposals.ts";
import { AGENT_PREFIX, AGENT_ROUTES, type AgentRoutes } from "@gantry/wire/agent/routes.ts";
import type { RunnerDetail } from "@gantry/wire/agent/sites/runners.ts";
import type { SiteView } from "@gantry/wire/agent/sites/views.ts";
import type { TriggerView } from "@gantry/wire/agent/triggers/triggers.ts";
import type { WebhookDelivery } from "@gantry/wire/agent/triggers/webhooks.ts";
import { type AppView, type BuildView, type TaskView, taskTag } from "@gantry/wire/agent/views.ts";
import { stepOfLog } from "@gantry/wire/runner/summary-log.ts";
import Router from "@koa/router";
import type Koa from "koa";
import { APP, type FakeState, need, RUNNER, SETTINGS, SITE } from "./fake-agent-state.fixture.ts";

/** What the routes need of the agent. */
export type Parts = {
  readonly addTask: (fields: Partial<TaskView>) => TaskView;
  readonly emit: (task: string, kind: string, more?: JsonObject) => unknown;
  readonly state: () => FakeState;
  readonly hold: (ctx: Koa.Context, ms: number) => Promise<void>;
};
type Handlers = Partial<RouteHandlers<AgentRoutes>>;
/** A new route of the task-agent needs an answer here, except that settings cannot be followed, as with an older agent. */
type AllHandlers = Omit<RouteHandlers<AgentRoutes>, "settingsNow">;

export function makeRoutes(parts: Parts): Router {
  const router = new Router({ prefix: AGENT_PREFIX });
  const handlers: AllHandlers = { ...taskHandlers(parts), ...logAndFeed(parts), ...catalog(parts), ...FIXED };
  addRoutes(router, AGENT_ROUTES, handlers);
  return router;
}

/** The app's own pipeline, if it has one. */
function chosenFor({ pipelines }: FakeState, app: string, action: string): string {
  return pipelines.has(`${app}.${action}`) ? `${app}.${action}` : action;
}

function taskHandlers({ state, addTask, emit }: Parts) {
  const once = (request: StartTask): TaskView => {
    const scope = `${request.principal} ${request.idempotencyKey}`;
    const body = JSON.stringify(request);
    const known = state().keys.get(scope);
    if (known && known.body !== body) throw new GantryError("idempotency-key-reused");
    if (known) return need(state(), known.task);
    checkParams(request);
    const task = addTask({
      pipeline: request.pipeline,
      app: request.app,
      params: request.params,
      requestedBy: request.principal,
    });
    state().keys.set(scope, { body, task: task.id });
    return task;
  };
  return {
    runTrigger: ({ params: { id }, body: { principal } }) =>
      addTask({ pipeline: id.split(":")[1] ?? "", app: id.split(":")[0], params: {}, requestedBy: principal }),
    startTask: ({ body: { button, ...body } }) => {
      const chosen = button && body.app !== undefined ? chosenFor(state(), body.app, button) : body.pipeline;
      if (chosen !== body.pipeline) throw new GantryError("pipeline-chosen", { pipeline: chosen });
      return once(body);
    },
    rollback: ({ params: { name: app }, body: { principal, idempotencyKey } }) =>
      once({ pipeline: chosenFor(state(), app, "cd"), app, params: {}, principal, idempotencyKey }),
    undoApp: ({ params: { name }, body: { principal } }) => {
      if (!state().apps.has(name)) throw new GantryError("app-unknown", { app: name });
      return addTask({ pipeline: "create-app", app: name, params: {}, requestedBy: principal });
    },
    undoPlan: ({ params: { name } }) => {
      if (!state().apps.has(name)) throw new GantryError("app-unknown", { app: name });
      return { items: [{ what: `create repository APPS/${name}`, site: "platform" }] };
    },
    tasks: ({ query: { app, apps, limit, cursor } }) => {
      const all = [...state().tasks.values()].reverse();
      const wanted = all
        .filter((task) => app === undefined || task.app === app)
        .filter((task) => apps === undefined || (task.app !== undefined && apps.includes(task.app)));
      return pageOf(wanted, ({ id }) => id, { limit, cursor });
    },
    syncTemplates: ({ body: { principal } }) =>
      addTask({ pipeline: "templates-sync", app: undefined, params: {}, requestedBy: principal }),
    syncDefinitions: ({ body: { principal } }) =>
      addTask({ pipeline: "definitions-sync", app: undefined, params: {}, requestedBy: principal }),
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
    planRerun: ({ params: { id } }) => {
      const { definition, params, jobs } = need(state(), id);
      const planned = jobs.map(({ key, id: of, title }) => ({
        key,
        id: of,
        title,
        does: "run" as const,
        because: "all",
      }));
      return { task: id, definition, isSameDefinition: true, params, jobs: planned };
    },
    resolve: ({ params: { id }, body: { job } }) => {
      emit(need(state(), id).id, "JobResolved", { job });
      return need(state(), id);
    },
    approvals: ({ query: { task } }) => {
      const asked = state().approvals.filter((one) => task === undefined || one.task === task);
      return { items: asked };
    },
    answerApproval: ({ params: { id, job }, body: { principal } }) => {
      emit(need(state(), id).id, "ApprovalAnswered", { job, by: principal });
      return need(state(), id);
    },
  } satisfies Handlers;
}

const SUMMARY = { bytes: Buffer.from("## Checked out\n"), final: true };

function logAndFeed({ state, hold }: Parts) {
  return {
    log: async ({ ctx, params: { id, step }, query: { from, limit, wait } }) => {
      need(state(), id);
      if (stepOfLog(step) !== "checkout") throw new GantryError("not-found", { kind: "log", name: "of this step" });
      const until = performance.now() + wait;
      while (from >= state().log.bytes.length && !state().log.final && performance.now() < until) {
        await hold(ctx, until - performance.now());
      }
      const { bytes, final } = step === "checkout" ? state().log : SUMMARY;
      ctx.set(LOG_SIZE_HEADER, String(bytes.length));
      ctx.set(LOG_FINAL_HEADER, String(final));
      ctx.body = bytes.subarray(from, from + limit);
      return undefined;
    },
    artifacts: async ({ params: { id } }) => {
      need(state(), id);
      const times = { savedAt: "2026-11-20T07:00:00Z", keptUntil: "2026-12-20T07:00:00Z" };
      const facts = { attempt: 1, site: "seoul", files: 1, bytes: 5, state: "kept" as const };
      return { items: [{ job: "deploy[seoul]", name: "dist", ...facts, ...times }] };
    },
    artifactFiles: async ({ params: { id } }) => {
      need(state(), id);
      return { items: [{ path: "app.js", size: 5, digest: `sha256:${"a".repeat(64)}`, executable: false }] };
    },
    artifactContent: async ({ ctx, params: { id }, query: { path, from, limit } }) => {
      need(state(), id);
      if (path !== "app.js") throw new GantryError("not-found", { kind: "file", name: path });
      ctx.set(ARTIFACT_SIZE_HEADER, "5");
      ctx.type = "application/octet-stream";
      ctx.body = Buffer.from("<b>hi").subarray(from, from + limit);
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
  } satisfies Handlers;
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

function catalog({ state, hold }: Pick<Parts, "state" | "hold">) {
  const sites = (): readonly SiteView[] => [...state().sites.values()];
  /** Of the last proposal. */
  const lookedAt = (): readonly string[] => {
    const last = state().looks.at(-1);
    return last === undefined ? ["seoul"] : (last.sites ?? sites().map(({ name }) => name));
  };
  const needApp = (name: string): AppView => {
    const app = state().apps.get(name);
    if (!app) throw new GantryError("app-unknown", { app: name });
    return app;
  };
  const needBuild = (name: string, number: string, more: Partial<BuildView> = {}): BuildView => {
    needApp(name);
    const build = state()
      .builds.get(name)
      ?.find((one) => String(one.number) === number);
    if (!build) throw new GantryError("not-found", { kind: "build", name: `${name} #${number}` });
    return { ...build, ...more };
  };
  const needRunner = (name: string): undefined => {
    const isKnown = name === "seoul-1" || sites().some(({ runners }) => runners.some((one) => one.name === name));
    if (!isKnown) throw new GantryError("not-found", { kind: "runner", name });
  };
  const runnerOf = (name: string): RunnerDetail => {
    needRunner(name);
    const found = sites().flatMap(({ runners }) => runners);
    const runner = found.find((one) => one.name === name) ?? { ...RUNNER, name };
    const at = { since: RUNNER.lastHeardAt, attempt: 1, pipeline: "ci" };
    const lease = { mode: "lenient" as const, renewedAt: at.since, endsAt: at.since };
    const jobs = (runner.running ?? []).map(({ task, job }) => ({ task, job, ...at, lease }));
    return { ...runner, registeredAt: at.since, jobs };
  };
  return {
    apps: ({ query }) => pageOf([...state().apps.values()], ({ name }) => name, query),
    app: ({ params: { name } }) => needApp(name),
    builds: ({ params: { name } }) => {
      needApp(name);
      return { items: state().builds.get(name) ?? [] };
    },
    newestBuilds: ({ query: { apps, branch, ...query } }) => {
      const all = [...state().builds].flatMap(([app, builds]) => builds.map((build) => ({ ...build, app })));
      const wanted = all
        .filter(({ app }) => apps === undefined || apps.includes(app))
        .filter((build) => branch === undefined || build.branch === branch)
        .toSorted((a, b) => (a.at < b.at ? 1 : -1));
      return pageOf(wanted, ({ app, number }) => `${app} ${number}`, query);
    },
    build: ({ params: { name, number } }) => needBuild(name, number),
    demands: ({ params: { name } }) => {
      needApp(name);
      return { items: [] };
    },
    rollbackPlan: ({ params: { name } }) => {
      needApp(name);
      return { targets: [] };
    },
    holdBuild: ({ params: { name, number }, body: { principal: by, reason } }) =>
      needBuild(name, number, { held: { by, reason, at: "2026-11-20T07:00:00Z" } }),
    releaseBuild: ({ params: { name, number } }) => needBuild(name, number),
    ...appChanges(state, needApp),
    startProposal: ({ body }) => {
      state().looks.push(body);
      return proposalOf(need(state(), "t1"), lookedAt(), body.name, body.source);
    },
    appProposal: ({ params: { id } }) => {
      const task = state().tasks.get(id);
      if (!task) throw new GantryError("not-found", { kind: "proposal", name: id });
      return proposalOf(task, lookedAt());
    },
    receiveDelivery: ({ body }) => {
      const known = body.keys.map((key) => state().deliveries.get(key)).find((one) => one !== undefined);
      if (known !== undefined) return { id: known.id, isNew: false };
      const id = `w${String(state().deliveries.size).padStart(19, "0")}`;
      for (const key of body.keys) state().deliveries.set(key, { id, body: body.body });
      return { id, isNew: true };
    },
    deliveries: ({ query: { apps, limit, cursor } }) => {
      const all = [...state().tasks.values()].map(deliveryOf).reverse();
      const wanted = all.filter((one) => apps === undefined || one.apps.some((app) => apps.includes(app)));
      return pageOf(wanted, ({ id }) => id, { limit, cursor });
    },
    delivery: ({ params: { id } }) => deliveryOf(needDelivery(state(), id)),
    redeliver: ({ params: { id } }) => deliveryOf(needDelivery(state(), id)),
    pipelines: () => ({ items: [...state().pipelines.values()] }),
    templates: () => ({
      project: "TEMPLATES",
      read: {
        at: "2026-01-02T03:04:05.000Z",
        project: "TEMPLATES",
        templates: [
          {
            ...{ name: "web-service", title: "Web service", summary: "", kind: "source" as const },
            ...{ deploy: "web-service-deploy", params: {}, state: "same" as const },
          },
        ],
        projects: ["APPS"],
        clusters: sites().map(({ name }) => ({ site: name, names: [`${name}-dp`] })),
      },
    }),
    definitionPart: ({ query: { part, known } }) => {
      const files = state().set.files.filter(({ file }) => file.startsWith(`${part}/`));
      const version = hash("sha256", JSON.stringify(files));
      return version === known ? { version } : { version, files: [...files] };
    },
    definitions: () => ({
      inForce: {
        ...state().set,
        files: state().set.files.map(({ file, text }) => ({ file, digest: hash("sha256", text) })),
        definitions: [...state().pipelines.values()].map(({ name, version }) => ({ name, version })),
      },
    }),
    appPipelines: ({ params: { name } }) => ({
      ci: { name: chosenFor(state(), name, "ci") },
      cd: { name: "cd" },
      others: [],
    }),
    pipeline: ({ params: { name } }) => {
      const pipeline = state().pipelines.get(name);
      if (!pipeline) throw new GantryError("pipeline-unknown", { pipeline: name });
      return pipeline;
    },
    polling: () => ({ items: [] }),
    triggers: ({ query: { apps } }) => ({
      items: [...state().apps.keys()].filter((app) => apps?.includes(app) ?? true).map((app) => triggerOf(app)),
    }),
    trigger: ({ params: { id } }) => state().triggers.get(id) ?? triggerOf(id.split(":")[0] ?? ""),
    pauseTrigger: ({ params: { id }, body: { principal: by } }) => ({
      ...triggerOf(id.split(":")[0] ?? ""),
      paused: { by, at: "2026-01-02T03:04:05.000Z" },
    }),
    fleet: ({ body: { apps } }) => {
      const items = [...state().apps.keys()].filter((app) => apps?.includes(app) !== false).map(targetOf);
      return {
        items,
        total: items.length,
        counts: { degraded: items.length },
        sources: sites().map(({ name }) => ({ ...SOURCE, site: name })),
      };
    },
    fleetChanges: async ({ ctx, query: { after, wait } }) => {
      if (after !== undefined && after !== "e.0") await hold(ctx, wait);
      const items = after === "e.0" ? [...state().apps.keys()].map(targetOf) : [];
      return { cursor: after === undefined ? "e.0" : "e.1", reset: false, items, sources: false };
    },
    pauses: () => ({
      items: [
        ...[...state().apps.keys()].map((name) => pauseOf("app", name)),
        ...sites().map(({ name }) => pauseOf("site", name)),
      ],
    }),
    pause: ({ body: { of, name } }) => ({ items: [pauseOf(of, name)] }),
    resume: () => ({ items: [] }),
    resumeTrigger: ({ params: { id } }) => triggerOf(id.split(":")[0] ?? ""),
    runners: () => ({ items: sites().flatMap(({ runners }) => runners) }),
    runner: ({ params: { name } }) => runnerOf(name),
    askRunner: ({ params: { name } }) => runnerOf(name),
    runnerLog: ({ params: { name }, query: { from } }) => {
      needRunner(name);
      return { runner: name, from, lines: ["{}"], held: 1, dropped: 0 };
    },
    runnerSite: ({ params: { name } }) => {
      needRunner(name);
      return { site: sites().find(({ runners }) => runners.some((one) => one.name === name))?.name ?? SITE.name };
    },
    removeRunner: ({ params: { name } }) => needRunner(name),
    readmitRunner: ({ params: { name } }) => needRunner(name),
    sites: () => ({ items: [...sites()] }),
  } satisfies Handlers;
}

/** Every app of the fake has one target, which is not well. */
function targetOf(app: string): TargetView {
  return {
    ...{ app, target: "seoul", site: "seoul", cluster: "seoul-dp", namespace: app, application: `${app}-seoul-dp` },
    state: "degraded",
    since: "2026-01-02T03:04:05.000Z",
    reason: `Deployment ${app}: ErrImagePull`,
    health: "Degraded",
    healthSince: "2026-01-02T03:04:05.000Z",
    sync: "Synced",
    syncSince: "2026-01-02T03:04:05.000Z",
    revisions: ["c0ffee0c0ffee0c0ffee0c0ffee0c0ffee0c0ffe"],
    images: [`harbor/apps/${app}@sha256:${"a".repeat(64)}`],
    running: { build: 7, commit: "c0ffee0c0ffee0c0ffee", subject: "Mend the till" },
    conditions: [],
    reasons: [{ kind: "Deployment", name: app, health: "Degraded", message: "ErrImagePull" }],
    system: "argocd",
    heardAt: "2026-01-02T03:04:05.000Z",
  };
}

const SOURCE = {
  system: "argocd",
  heardAt: "2026-01-02T03:04:05.000Z",
  runner: "seoul-1",
  applications: 1,
  unmatched: { count: 0, first: [] },
};

function pauseOf(of: PauseView["of"], name: string): PauseView {
  return { of, name, by: "ops", at: "2026-01-02T03:04:05.000Z", reason: "maintenance" };
}

/** The only kind of trigger of the fake: CI of the app, every night. */
function triggerOf(app: string): TriggerView {
  return {
    id: `${app}:ci:schedule-1`,
    pipeline: "ci",
    app,
    kind: "schedule",
    text: "0 3 * * * UTC",
    timeZone: "UTC",
    nextAt: "2026-01-03T03:00:00.000Z",
    nextInZone: "2026-01-03 03:00 UTC",
    plannedAt: "2026-01-03T03:00:00.000Z",
  };
}

/** As of a task that has not ended. */
function proposalOf(
  { id, app }: TaskView,
  sites: readonly string[],
  name = app ?? "orders",
  { system, project, slug } = { system: "git", project: "LOOK", slug: "new" },
): AppProposal {
  const nothing = { found: [], open: [], warnings: [] };
  return {
    id,
    name,
    state: "running",
    site: "seoul",
    sites: [...sites],
    source: { system, project, slug },
    ...nothing,
  };
}

/** Without the checks of a real task-agent, but with its answers. */
function appChanges(state: () => FakeState, needApp: (name: string) => AppView) {
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
  } satisfies Handlers;
}

const FIXED = {
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
} satisfies Handlers;

/** Every task was started by one delivery, which has its id. */
function deliveryOf({ id, app, pipeline, title }: TaskView): WebhookDelivery {
  const about = app === undefined ? [] : [app];
  return {
    ...{ id, source: "git", host: "github" as const, receivedAt: "2026-11-20T07:00:00Z", bytes: 1_000 },
    ...{ decidedAt: "2026-11-20T07:00:01Z", state: "started" as const, summary: title },
    apps: about,
    results: about.map((name) => ({ app: name, pipeline, task: id })),
  };
}

function needDelivery({ tasks }: FakeState, id: string): TaskView {
  const task = tasks.get(id);
  if (!task) throw new GantryError("not-found", { kind: "delivery", name: id });
  return task;
}

/** The only rule of the fake pipelines: `ref` is a text. */
function checkParams({ pipeline, params }: StartTask): void {
  if (params.ref === undefined || typeof params.ref === "string") return;
  const problems = [{ detail: "This must be a text.", pointer: "/params/ref" }];
  throw new GantryError("bad-params", { pipeline, problem: "ref must be a text." }, { problems });
}
