// Routes of applications: the objects, refresh, sync, rollback, resources, and the pages for people.

import type Router from "@koa/router";
import type Koa from "koa";
import { bodyOf, bump, CODE, newMeta, refuse, text } from "./answers.ts";
import { same } from "./cluster.ts";
import { differenceOf, hideSecret, pairsOf, treeOf } from "./compare.ts";
import type { Controller } from "./controller.ts";
import { RenderProblem } from "./files.ts";
import { GitProblem } from "./git.ts";
import {
  type Application,
  type AppRecord,
  type AppSpec,
  clonedAs,
  type Operation,
  stamp,
  syncsItself,
} from "./model.ts";
import { mergeStrategic } from "./patch.ts";
import { clusterOf, type FakeArgoCd, manifestsOf, observationOf, targetsOf } from "./refresh.ts";
import { specProblem } from "./rules.ts";

const BASE = "/api/v1/applications";

export type Apps = { readonly fake: FakeArgoCd; readonly controller: Controller };

export function applicationRoutes(router: Router, apps: Apps): void {
  const { fake, controller } = apps;
  const { state } = fake;
  router.get(BASE, (ctx) => {
    const { name, project, projects } = ctx.query;
    const wanted = [project, projects].flat().filter((one) => one !== undefined);
    const all = Object.values(state.apps).map((one) => one.object);
    const items = all.filter(
      (one) => (!name || one.metadata.name === name) && (wanted.length === 0 || wanted.includes(one.spec.project)),
    );
    ctx.body = {
      metadata: { resourceVersion: String(state.version) },
      items: withFields(items, text(ctx.query.fields)),
    };
  });
  router.get(`${BASE}/:name`, async (ctx) => {
    const record = find(apps, ctx);
    const how = ctx.query.refresh;
    if (how) await controller.refresh(record.object.metadata.name, how === "hard" ? "hard" : "normal");
    ctx.body = find(apps, ctx).object;
  });
  router.post(BASE, async (ctx) => {
    ctx.body = await create(
      apps,
      (await bodyOf(ctx)) as Partial<Application>,
      ctx.query.upsert === "true",
      ctx.query.validate !== "false",
    );
  });
  router.put(`${BASE}/:name/spec`, async (ctx) => {
    ctx.body = changeSpec(apps, find(apps, ctx), (await bodyOf(ctx)) as AppSpec).spec;
  });
  router.put(`${BASE}/:name`, async (ctx) => {
    const request = (await bodyOf(ctx)) as Application;
    const record = find(apps, ctx);
    const { labels, annotations, finalizers } = request.metadata;
    Object.assign(record.object.metadata, { labels, annotations, finalizers });
    ctx.body = changeSpec(apps, record, request.spec);
  });
  router.patch(`${BASE}/:name`, async (ctx) => {
    const { patch, patchType } = await bodyOf(ctx);
    const record = find(apps, ctx);
    if (patchType !== "merge") throw refuse(CODE.invalid, "the fake knows merge patches only");
    const { metadata, spec } = mergeStrategic(record.object, JSON.parse(String(patch))) as Application;
    record.object.metadata = { ...metadata, name: record.object.metadata.name, uid: record.object.metadata.uid };
    ctx.body = changeSpec(apps, record, spec);
  });
  router.delete(`${BASE}/:name`, (ctx) => {
    const { metadata } = find(apps, ctx).object;
    metadata.deletionTimestamp = stamp(Date.now());
    if (ctx.query.cascade !== "false") metadata.finalizers = ["resources-finalizer.argocd.argoproj.io"];
    done(apps, metadata.name);
    ctx.body = {};
  });
  operationRoutes(router, apps);
  viewRoutes(router, apps);
}

/** The fields that a list can be asked for: Argo CD has a list of its own, and leaves out every other one without a word. */
const LIST_FIELDS = [
  "metadata.name",
  "metadata.namespace",
  "metadata.annotations",
  "metadata.labels",
  "metadata.creationTimestamp",
  "metadata.deletionTimestamp",
  "spec",
  "status.sync.status",
  "status.health",
  "status.summary",
  "status.resources",
  "status.operationState.startedAt",
  "status.operationState.finishedAt",
  "status.operationState.phase",
  "operation.sync",
];

/** The items with only these fields, or without them if the text begins with `-`. */
function withFields(items: readonly Application[], fields: string | undefined): readonly object[] {
  if (fields === undefined) return items;
  const named = new Set(fields.replace(/^-/, "").split(","));
  const chosen = LIST_FIELDS.filter((field) => named.has(`items.${field}`) !== fields.startsWith("-"));
  return items.map((item) => {
    const shown: Record<string, unknown> = {};
    for (const field of chosen) copyField(item, shown, field.split("."));
    return shown;
  });
}

function copyField(from: object, to: Record<string, unknown>, [first = "", ...rest]: readonly string[]): void {
  const value = (from as Record<string, unknown>)[first];
  if (value === undefined || value === null) return;
  if (rest.length === 0) to[first] = value;
  else {
    const inner = (to[first] ?? {}) as Record<string, unknown>;
    to[first] = inner;
    copyField(value, inner, rest);
  }
}

function operationRoutes(router: Router, apps: Apps): void {
  router.post(`${BASE}/:name/sync`, async (ctx) => {
    const request = (await bodyOf(ctx)) as Record<string, unknown>;
    const record = find(apps, ctx, request);
    const app = record.object;
    const revision = text(request.revision);
    const follows = app.spec.source.targetRevision || "HEAD";
    if (syncsItself(app) && request.dryRun !== true && revision !== undefined && revision !== follows) {
      throw refuse(CODE.precondition, `Cannot sync to ${revision}: auto-sync currently set to ${follows}`);
    }
    if (revision !== undefined && !/^[0-9a-f]{40}$/.test(revision)) await mustResolve(apps, app, revision);
    const options = (request.syncOptions as { items?: string[] } | undefined)?.items;
    start(apps, record, {
      sync: {
        revision: revision ?? record.desired?.revision ?? "",
        prune: request.prune === true,
        ...(request.dryRun === true ? { dryRun: true } : {}),
        ...(options ? { syncOptions: options } : {}),
      },
      ...(Array.isArray(request.infos) ? { info: request.infos as { name: string; value: string }[] } : {}),
      initiatedBy: { username: String(ctx.state.account) },
    });
    ctx.body = app;
  });
  router.post(`${BASE}/:name/rollback`, async (ctx) => {
    const request = await bodyOf(ctx);
    const record = find(apps, ctx, request);
    const app = record.object;
    if (syncsItself(app)) throw refuse(CODE.precondition, "rollback cannot be initiated when auto-sync is enabled");
    const entry = app.status.history?.find((one) => one.id === Number(request.id));
    if (!entry)
      throw refuse(
        CODE.invalid,
        `application ${app.metadata.name} does not have deployment with id ${String(request.id)}`,
      );
    start(apps, record, {
      sync: { revision: entry.revision, prune: request.prune === true },
      initiatedBy: { username: String(ctx.state.account) },
    });
    ctx.body = app;
  });
  router.delete(`${BASE}/:name/operation`, (ctx) => {
    const record = find(apps, ctx);
    const state = record.object.status.operationState;
    if (!record.object.operation || !state || state.finishedAt) {
      throw refuse(CODE.invalid, "Unable to terminate operation. No operation is in progress");
    }
    state.phase = "Terminating";
    record.operationEndsMs = Date.now();
    done(apps, record.object.metadata.name);
    ctx.body = {};
  });
}

function viewRoutes(router: Router, apps: Apps): void {
  const { fake } = apps;
  const pairs = (record: AppRecord) =>
    pairsOf(record.object.metadata.name, targetsOf(record), clusterOf(fake.state, record.object));
  router.get(`${BASE}/:name/managed-resources`, (ctx) => {
    const record = find(apps, ctx);
    if (fake.trouble.kubernetes === "unreadable") {
      throw refuse(CODE.unknown, "error getting cached app managed resources: failed to get cluster info");
    }
    ctx.body = { items: pairs(record).map(differenceOf) };
  });
  router.get(`${BASE}/:name/resource-tree`, (ctx) => {
    ctx.body = { nodes: pairs(find(apps, ctx)).flatMap(({ live }) => treeOf(live, observationOf(fake))) };
  });
  router.get(`${BASE}/:name/manifests`, async (ctx) => {
    const app = find(apps, ctx).object;
    const found = await orRefuse(() => manifestsOf(fake, app, text(ctx.query.revision)));
    const { type, revision } = found;
    ctx.body = {
      manifests: found.manifests.map((one) => JSON.stringify(hideSecret(one, undefined))),
      revision,
      sourceType: type,
      namespace: app.spec.destination.namespace ?? "",
    };
  });
  router.get(`${BASE}/:name/revisions/:revision/metadata`, async (ctx) => {
    const { repoURL } = find(apps, ctx).object.spec.source;
    const repository = clonedAs(fake.state, repoURL);
    ctx.body = await orRefuse(() => fake.git.metadata(repository, String(ctx.params.revision)));
  });
  router.get(`${BASE}/:name/syncwindows`, (ctx) => {
    find(apps, ctx);
    ctx.body = { canSync: true };
  });
}

async function mustResolve({ fake }: Apps, { spec }: Application, revision: string): Promise<void> {
  const repository = clonedAs(fake.state, spec.source.repoURL);
  try {
    await fake.git.resolve(repository, revision);
  } catch (error) {
    if (!(error instanceof GitProblem)) throw error;
    throw refuse(CODE.precondition, `error resolving repo revision: ${error.message}`);
  }
}

/**
 * The app. A missing app, or one of another project, is 403 without a project in the request and 404 with one. While the
 * Kubernetes API is away, every app is 403, with the same text.
 */
function find({ fake }: Apps, ctx: Koa.Context, body: Record<string, unknown> = {}): AppRecord {
  if (fake.trouble.kubernetes === "away") throw refuse(CODE.denied, "permission denied");
  const name = String(ctx.params.name);
  const project = text(ctx.query.project) ?? text(body.project);
  const record = fake.state.apps[name];
  if (record && (project === undefined || record.object.spec.project === project)) return record;
  if (project === undefined) throw refuse(CODE.denied, "permission denied");
  throw refuse(CODE.notFound, `applications.argoproj.io "${name}" not found`);
}

async function create(
  apps: Apps,
  request: Partial<Application>,
  upsert: boolean,
  validate: boolean,
): Promise<Application> {
  const { state } = apps.fake;
  const { spec, metadata } = request;
  if (!spec?.source || !spec.destination) throw refuse(CODE.invalid, "spec.source and spec.destination are needed");
  const there = state.apps[String(metadata?.name)];
  const candidate: Application = { metadata: there?.object.metadata ?? newMeta(state, metadata), spec, status: {} };
  await check(apps, candidate, validate);
  if (there?.object.metadata.deletionTimestamp) throw refuse(CODE.precondition, "application is being deleted");
  if (there) {
    const { labels, annotations, finalizers } = there.object.metadata;
    const alike = same(
      [labels, annotations, finalizers],
      [metadata?.labels, metadata?.annotations, metadata?.finalizers],
    );
    if (same(there.object.spec, spec) && alike) return there.object;
    if (!upsert) throw refuse(CODE.invalid, "existing application spec is different, use upsert flag to force update");
    Object.assign(there.object.metadata, {
      labels: { ...labels, ...metadata?.labels },
      annotations: { ...annotations, ...metadata?.annotations },
      ...(metadata?.finalizers ? { finalizers: metadata.finalizers } : {}),
    });
    return changeSpec(apps, there, spec);
  }
  state.apps[candidate.metadata.name] = { object: candidate, nextHistoryId: 0 };
  done(apps, candidate.metadata.name);
  return candidate;
}

async function check({ fake }: Apps, app: Application, validate: boolean): Promise<void> {
  const problem = specProblem(fake.state, app);
  if (problem !== undefined)
    throw refuse(CODE.invalid, `application spec for ${app.metadata.name} is invalid: InvalidSpecError: ${problem}`);
  if (!validate) return;
  try {
    await manifestsOf(fake, app);
  } catch (error) {
    if (!(error instanceof GitProblem || error instanceof RenderProblem)) throw error;
    throw refuse(
      CODE.invalid,
      `application spec for ${app.metadata.name} is invalid: InvalidSpecError: ${error.message}`,
    );
  }
}

function changeSpec(apps: Apps, record: AppRecord, spec: AppSpec): Application {
  record.object.spec = spec;
  bump(apps.fake.state, record.object.metadata);
  record.lookAtMs = 0;
  done(apps, record.object.metadata.name);
  return record.object;
}

/** Sets the operation and removes the result of the last one in the same update. */
function start(apps: Apps, record: AppRecord, operation: Operation): void {
  const app = record.object;
  if (app.metadata.deletionTimestamp) throw refuse(CODE.precondition, "application is deleting");
  if (app.operation) throw refuse(CODE.precondition, "another operation is already in progress");
  app.operation = operation;
  delete app.status.operationState;
  bump(apps.fake.state, app.metadata);
  done(apps, app.metadata.name);
}

function done({ fake, controller }: Apps, name: string): void {
  fake.save();
  fake.changed(name);
  controller.wake();
}

async function orRefuse<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof GitProblem || error instanceof RenderProblem) throw refuse(CODE.unknown, error.message);
    throw error;
  }
}
