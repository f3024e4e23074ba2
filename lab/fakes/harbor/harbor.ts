// Harbor: projects, artifacts and scans below /api/v2.0, its registry below /v2, its token service, and a small page for
// people. With the traps of the real one: an artifact is unknown for a moment after its push, a scan is invisible before
// it is pending, ids come in the Location header, repository names arrive double-encoded.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type Router from "@koa/router";
import type Koa from "koa";
import { Answer, type FakeServer, type FakeServerOptions, openState, readJson, serve } from "../fake-server.ts";
import { basicAccount, errors, type RegistryAccess } from "../registry/auth.ts";
import { registryRoutes } from "../registry/registry.ts";
import { openRegistryStore } from "../registry/store.ts";
import { type HarborArtifacts, harborArtifacts } from "./artifacts.ts";
import { artifactPage, projectPage, projectsPage } from "./page.ts";
import { seedHarbor } from "./seeds.ts";
import { type HarborState, type HarborTiming, newHarborState, type ProjectState, projectOf } from "./state.ts";

export type HarborOptions = FakeServerOptions & {
  /** The administrator; Harbor's own defaults when absent. */
  readonly username?: string;
  readonly password?: string;
  readonly timing?: Partial<HarborTiming>;
  /** Milliseconds since 1970; decides how far artifacts and scans are. */
  readonly clock?: () => number;
  /** Without the project `library` and its base image `library/web-base:1`. */
  readonly empty?: boolean;
};

const TIMING: HarborTiming = { registerMs: 60, queueMs: 60, scanMs: 180 };

export async function startHarbor(options: HarborOptions): Promise<FakeServer> {
  const opened = openState(options, newHarborState);
  opened.save();
  const admin = { username: options.username ?? "admin", password: options.password ?? "Harbor12345" };
  const access = accessOf(opened.state, admin);
  const store = openRegistryStore(join(options.dir, options.name, "registry"));
  const artifacts = harborArtifacts({
    ...opened,
    store,
    timing: { ...TIMING, ...options.timing },
    clock: options.clock ?? Date.now,
  });
  const fake: FakeHarbor = { ...opened, access, artifacts };

  const server = await serve(options, (router, app) => {
    app.use(
      registryRoutes({
        store,
        access,
        beforePush: (repository) => {
          if (!opened.state.projects[projectOf(repository)]) {
            throw new Answer(401, errors("UNAUTHORIZED", `project ${projectOf(repository)} not found`));
          }
        },
        onPushed: artifacts.pushed,
      }),
    );
    projectRoutes(router, fake);
    artifactRoutes(router, fake);
    robotRoutes(router, fake);
    pageRoutes(router, fake, options.name);
  });
  if (!options.empty) await seedHarbor(server.url, admin);
  return server;
}

type FakeHarbor = {
  readonly state: HarborState;
  readonly save: () => void;
  readonly access: RegistryAccess;
  readonly artifacts: HarborArtifacts;
};

const API = "/api/v2.0";
const PROJECT_NAME = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;
const ARTIFACT = `${API}/projects/:project/repositories/:repository/artifacts/:reference`;

function accessOf(state: HarborState, admin: { username: string; password: string }): RegistryAccess {
  return {
    service: "harbor-registry",
    key: state.key,
    login: (username, password) => {
      if (username === admin.username) return password === admin.password ? username : undefined;
      return state.robots[username]?.secret === password ? username : undefined;
    },
    allows: (account, repository, action) => {
      if (account === admin.username) return true;
      const project = state.projects[projectOf(repository)];
      if (action === "pull" && project?.metadata.public === "true") return true;
      const robot = account === undefined ? undefined : state.robots[account];
      return (robot?.permissions ?? []).some(
        ({ namespace, actions }) => (namespace === "*" || namespace === project?.name) && actions.includes(action),
      );
    },
  };
}

function signedIn(ctx: Koa.Context, { access }: FakeHarbor): string {
  const account = basicAccount(ctx, access);
  if (account === undefined || account === "wrong") throw new Answer(401, errors("UNAUTHORIZED", "unauthorized"));
  return account;
}

/** The name of the user. A robot account is none. */
function userOf(ctx: Koa.Context, fake: FakeHarbor): string {
  const account = signedIn(ctx, fake);
  if (fake.state.robots[account]) throw new Answer(403, errors("FORBIDDEN", "forbidden"));
  return account;
}

/** The project, for a caller who may see it. A robot gets 403 for an absent one, as in Harbor. */
function projectFor(ctx: Koa.Context, { state, access }: FakeHarbor, name: string): ProjectState {
  const account = basicAccount(ctx, access);
  if (account === "wrong") throw new Answer(401, errors("UNAUTHORIZED", "unauthorized"));
  const byName = ctx.get("x-is-resource-name") === "true" || !/^\d+$/.test(name);
  const project = Object.values(state.projects).find((one) => (byName ? one.name === name : String(one.id) === name));
  if (project && access.allows(account, `${project.name}/x`, "pull")) return project;
  if (account === undefined) throw new Answer(401, errors("UNAUTHORIZED", "unauthorized"));
  if (!project && !state.robots[account]) throw new Answer(404, errors("NOT_FOUND", `project ${name} not found`));
  throw new Answer(403, errors("FORBIDDEN", "forbidden"));
}

function projectRoutes(router: Router, fake: FakeHarbor): void {
  const { state, save, artifacts } = fake;
  router.head(`${API}/projects`, (ctx) => {
    signedIn(ctx, fake);
    ctx.status = state.projects[String(ctx.query.project_name)] ? 200 : 404;
  });
  router.get(`${API}/projects`, (ctx) => {
    const account = basicAccount(ctx, fake.access);
    const all = Object.values(state.projects).filter(({ name }) => fake.access.allows(account, `${name}/x`, "pull"));
    ctx.set("X-Total-Count", String(all.length));
    const size = Math.min(Number(ctx.query.page_size ?? 10), 100);
    const start = (Number(ctx.query.page ?? 1) - 1) * size;
    ctx.body = all.slice(start, start + size).map((project) => projectView(project, artifacts));
  });
  router.post(`${API}/projects`, async (ctx) => {
    const owner = signedIn(ctx, fake);
    const body = (await readJson(ctx)) as { project_name?: unknown; metadata?: Record<string, unknown> };
    const { project_name: name, metadata = {} } = body;
    if (state.robots[owner]) throw new Answer(403, errors("FORBIDDEN", "forbidden"));
    if (typeof name !== "string" || !PROJECT_NAME.test(name) || name.length > 255) {
      throw new Answer(400, errors("BAD_REQUEST", "project name is not valid"));
    }
    if (Object.values(metadata).some((value) => typeof value !== "string")) {
      throw new Answer(422, errors("UNPROCESSABLE_ENTITY", "parsing project body: metadata values must be strings"));
    }
    if (state.projects[name]) throw new Answer(409, errors("CONFLICT", `The project named ${name} already exists`));
    const id = state.nextId++;
    state.projects[name] = {
      id,
      name,
      owner,
      createdAtMs: Date.now(),
      metadata: { public: "false", ...(metadata as Record<string, string>) },
    };
    save();
    ctx.status = 201;
    ctx.set(
      "Location",
      ctx.get("x-resource-name-in-location") === "true" ? `${API}/projects/${name}` : `${API}/projects/${id}`,
    );
  });
  router.get(`${API}/projects/:project`, (ctx) => {
    ctx.body = projectView(projectFor(ctx, fake, ctx.params.project ?? ""), artifacts);
  });
  router.delete(`${API}/projects/:project`, (ctx) => {
    signedIn(ctx, fake);
    const project = projectFor(ctx, fake, ctx.params.project ?? "");
    if (artifacts.repositories(project.name).length > 0) {
      throw new Answer(412, errors("PRECONDITION", "the project contains repositories, can not be deleted"));
    }
    delete state.projects[project.name];
    save();
    ctx.status = 200;
  });
}

function artifactRoutes(router: Router, fake: FakeHarbor): void {
  const { artifacts } = fake;
  const found = (ctx: Koa.Context & { params: Record<string, string> }) => {
    const project = projectFor(ctx, fake, ctx.params.project ?? "");
    // The name was decoded once on its way here. A slash now means that it was encoded only once: no such route.
    const once = ctx.params.repository ?? "";
    if (once.includes("/")) throw new Answer(404, errors("NOT_FOUND", "path not found"));
    const repository = `${project.name}/${decodeURIComponent(once)}`;
    return { project, ...artifacts.find(repository, ctx.params.reference ?? "") };
  };
  router.get(ARTIFACT, async (ctx) => {
    const { project, repository, artifact } = found(ctx);
    ctx.body = await artifacts.view(project, repository, artifact, ctx.query.with_scan_overview === "true");
  });
  router.post(`${ARTIFACT}/scan`, async (ctx) => {
    signedIn(ctx, fake);
    const { repository, artifact } = found(ctx);
    await readJson(ctx);
    artifacts.startScan(repository, artifact);
    ctx.status = 202;
  });
  router.get(`${ARTIFACT}/additions/vulnerabilities`, async (ctx) => {
    const { repository, artifact } = found(ctx);
    ctx.body = await artifacts.report(repository, artifact);
  });
  router.get(`${API}/projects/:project/repositories`, (ctx) => {
    const project = projectFor(ctx, fake, ctx.params.project ?? "");
    const all = artifacts.repositories(project.name);
    ctx.set("X-Total-Count", String(all.length));
    ctx.body = all.map(({ id, name, count }) => ({
      id,
      project_id: project.id,
      name,
      artifact_count: count,
      pull_count: 0,
    }));
  });
}

function robotRoutes(router: Router, fake: FakeHarbor): void {
  const { state, save } = fake;
  router.post(`${API}/robots`, async (ctx) => {
    signedIn(ctx, fake);
    const body = (await readJson(ctx)) as {
      name?: string;
      level?: string;
      permissions?: { namespace: string; access: { resource: string; action: string }[] }[];
    };
    const { name = "", level, permissions = [] } = body;
    if (!PROJECT_NAME.test(name)) throw new Answer(400, errors("BAD_REQUEST", "robot name is not valid"));
    if (level === "project" && permissions.length !== 1)
      throw new Answer(400, errors("BAD_REQUEST", "bad permissions"));
    const full = level === "project" ? `robot$${permissions[0]?.namespace}+${name}` : `robot$${name}`;
    if (state.robots[full]) throw new Answer(409, errors("CONFLICT", `robot account ${full} already exists`));
    const id = state.nextId++;
    const secret = randomBytes(24).toString("base64url");
    state.robots[full] = {
      id,
      name: full,
      secret,
      permissions: permissions.map(({ namespace, access }) => ({
        namespace,
        actions: access.filter(({ resource }) => resource === "repository").map(({ action }) => action),
      })),
    };
    save();
    ctx.status = 201;
    ctx.set("Location", `${API}/robots/${id}`);
    ctx.body = { id, name: full, secret, creation_time: new Date().toISOString(), expires_at: -1 };
  });
  router.get(`${API}/users/current`, (ctx) => {
    const username = userOf(ctx, fake);
    ctx.body = { user_id: 1, username, sysadmin_flag: true };
  });
  router.get(`${API}/users/current/permissions`, (ctx) => {
    userOf(ctx, fake);
    const all = ["repository:push", "repository:pull", "scan:create", "artifact:read"];
    ctx.body = all.map((one) => ({ resource: one.split(":")[0], action: one.split(":")[1] }));
  });
  router.get(`${API}/health`, (ctx) => {
    ctx.body = { status: "healthy", components: [{ name: "core", status: "healthy" }] };
  });
  router.get(`${API}/systeminfo`, (ctx) => {
    ctx.body = {
      harbor_version: "v2.15.2",
      auth_mode: "db_auth",
      registry_url: ctx.host,
      external_url: `http://${ctx.host}`,
      project_creation_restriction: "adminonly",
    };
  });
}

function pageRoutes(router: Router, fake: FakeHarbor, name: string): void {
  const { state, artifacts } = fake;
  router.get("/", (ctx) => ctx.redirect("/harbor/projects"));
  router.get("/harbor/projects", (ctx) => {
    ctx.type = "html";
    ctx.body = projectsPage(name, Object.values(state.projects));
  });
  const project = (id = ""): ProjectState => {
    const found = Object.values(state.projects).find((one) => String(one.id) === id || one.name === id);
    if (!found) throw new Answer(404, "no such project");
    return found;
  };
  router.get(["/harbor/projects/:id", "/harbor/projects/:id/repositories"], (ctx) => {
    const { id, ...rest } = project(ctx.params.id);
    ctx.type = "html";
    ctx.body = projectPage(name, { id, ...rest }, artifacts.list(rest.name));
  });
  router.get("/harbor/projects/:id/repositories/:repository/artifacts-tab/artifacts/:digest", async (ctx) => {
    const owner = project(ctx.params.id);
    const { repository, artifact } = artifacts.find(
      `${owner.name}/${decodeURIComponent(ctx.params.repository ?? "")}`,
      ctx.params.digest ?? "",
    );
    ctx.type = "html";
    ctx.body = artifactPage(
      name,
      repository,
      await artifacts.view(owner, repository, artifact, true),
      await artifacts.findings(repository, artifact),
    );
  });
}

function projectView({ id, name, owner, createdAtMs, metadata }: ProjectState, artifacts: HarborArtifacts): object {
  return {
    project_id: id,
    name,
    owner_name: owner,
    creation_time: new Date(createdAtMs).toISOString(),
    update_time: new Date(createdAtMs).toISOString(),
    metadata,
    repo_count: artifacts.repositories(name).length,
  };
}
