// Fake GitLab: nested groups and projects over REST (/api/v4), real git over HTTP. Its traps are the real one's: "exists"
// is a 400 among other 400s, a project is named by its whole path as one part of the address, a running status cannot be set to running,
// deleting takes days and renames the project, and a merge request can be merged without a commit of its own.

import Router from "@koa/router";
import type Koa from "koa";
import { z } from "zod";
import { Answer, originOf, readJson, serve } from "../fake-server.ts";
import { type Asked, addRepositoryPages } from "./git-pages.ts";
import { accountOf, addGit, type GitAccount } from "./git-server.ts";
import {
  addOwned,
  BRANCH,
  type FakeOwned,
  findOwned,
  isOrganisation,
  isPerson,
  type OwnedHost,
  type OwnedOptions,
  type OwnedRepository,
  openOwned,
  ownedHost,
} from "./owned-repositories.ts";
import {
  addPullRequest,
  checksOf,
  closePullRequest,
  headOf,
  type LabPullRequest,
  mergeByRules,
  pullRequestsOf,
  sourceOf,
} from "./pull-requests.ts";
import { addStatus, statusesOf } from "./statuses.ts";

/** Access levels in groups. */
const LEVELS = { read: 20, write: 30, admin: 50 };

export async function startGitlab(options: OwnedOptions): Promise<OwnedHost> {
  const fake = openOwned(options);
  const server = await serve(options, (router) => {
    const api = new Router({ prefix: "/api/v4" });
    api.use(async (ctx, next) => {
      if (accountOf(ctx, options.accounts)) return next();
      throw complaint(401, "401 Unauthorized");
    });
    addNamespaces(api, fake);
    addProjects(api, fake);
    addMergeRequests(api, fake);
    addStatuses(api, fake);
    router.use(api.routes());
    addGit(router, fake.store, {
      prefix: "",
      realm: "GitLab",
      callerOf: (ctx) => accountOf(ctx, options.accounts, ["oauth2"]),
      find: (group, path) => findOwned(fake, group, path),
      says: {
        unknownCaller: "HTTP Basic: Access denied",
        noRepository: "The project you were looking for could not be found or you don't have permission to view it.",
        mayNotPush: "You are not allowed to push code to this project.",
      },
    });
    addPages(router, fake);
  });
  return ownedHost(fake, server, "GitLab: You are not allowed to push code to protected branches on this project.");
}

function addNamespaces(api: Router, fake: FakeOwned): void {
  const userOf = (ctx: Koa.Context) => accountOf(ctx, fake.options.accounts);
  const idOf = (user: string): number => 100 + fake.options.accounts.findIndex((one) => one.user === user);
  const needGroup = (ctx: Asked): string => {
    const { path = "" } = ctx.params;
    if (!isOrganisation(fake, path)) throw complaint(404, "404 Group Not Found");
    return path;
  };
  api.get("/user", (ctx) => {
    const { user = "" } = userOf(ctx) ?? {};
    ctx.body = { id: idOf(user), username: user, state: "active" };
  });
  api.get("/personal_access_tokens/self", (ctx) => {
    const isAdmin = userOf(ctx)?.rights === "admin";
    ctx.body = { id: 1, active: true, scopes: isAdmin ? ["api"] : ["read_api", "read_repository"] };
  });
  api.get("/namespaces/:path", (ctx) => {
    const { path = "" } = ctx.params;
    if (!isOrganisation(fake, path) && !isPerson(fake, path)) throw complaint(404, "404 Namespace Not Found");
    const kind = isPerson(fake, path) ? "user" : "group";
    ctx.body = { id: namespaceIds(fake).indexOf(path) + 1, kind, full_path: path };
  });
  api.get("/groups/:path", (ctx) => {
    const path = needGroup(ctx);
    ctx.body = { id: namespaceIds(fake).indexOf(path) + 1, full_path: path, project_creation_level: "developer" };
  });
  api.get("/groups/:path/members/all/:user", (ctx) => {
    needGroup(ctx);
    const account = fake.options.accounts.find((one) => String(idOf(one.user)) === ctx.params.user);
    if (!account) throw complaint(404, "404 Not found");
    ctx.body = { id: idOf(account.user), username: account.user, access_level: LEVELS[account.rights] };
  });
}

function namespaceIds({ options }: FakeOwned): readonly string[] {
  return [...options.organisations, ...options.accounts.map(({ user }) => user)];
}

function addProjects(api: Router, fake: FakeOwned): void {
  api.post("/projects", async (ctx) => {
    const body = parse(
      z.object({
        path: z.string().regex(/^[A-Za-z0-9_][\w.-]*$/),
        namespace_id: z.number(),
        description: z.string().nullish(),
        visibility: z.enum(["private", "internal", "public"]).default("private"),
      }),
      await readJson(ctx),
    );
    const owner = namespaceIds(fake)[body.namespace_id - 1];
    const account = accountOf(ctx, fake.options.accounts);
    if (owner === undefined || account?.rights === "read")
      throw new Answer(400, { message: { namespace: ["is not valid"] } });
    if (findOwned(fake, owner, body.path)) {
      const taken = ["has already been taken"];
      throw new Answer(400, { message: { "project_namespace.name": taken, name: taken, path: taken } });
    }
    const fields = { description: body.description ?? null, private: body.visibility === "private" };
    const made = await addOwned(fake, owner, { name: body.path, ...fields });
    ctx.status = 201;
    ctx.body = await toProject(ctx, fake, made);
  });
  const list = async (ctx: Koa.Context, owner: string): Promise<void> => {
    const own = fake.state.repositories.filter((one) => one.owner === owner);
    ctx.body = await Promise.all(own.map((one) => toProject(ctx, fake, one)));
  };
  api.get("/groups/:path/projects", async (ctx) => {
    const { path = "" } = ctx.params;
    if (!isOrganisation(fake, path)) throw complaint(404, "404 Group Not Found");
    await list(ctx, path);
  });
  api.get("/users/:user/projects", async (ctx) => {
    const { user = "" } = ctx.params;
    if (!isPerson(fake, user)) throw complaint(404, "404 User Not Found");
    await list(ctx, user);
  });
  api.get("/projects/:id", async (ctx) => {
    ctx.body = await toProject(ctx, fake, need(ctx, fake));
  });
  api.put("/projects/:id", async (ctx) => {
    const project = need(ctx, fake);
    demand(ctx, fake, "admin");
    const body = parse(z.object({ description: z.string().optional() }), await readJson(ctx));
    project.description = body.description ?? project.description;
    fake.save();
    ctx.body = await toProject(ctx, fake, project);
  });
  api.delete("/projects/:id", (ctx) => {
    const project = need(ctx, fake);
    demand(ctx, fake, "admin");
    project.name = `${project.name}-deletion_scheduled-${project.id}`;
    fake.save();
    ctx.status = 202;
    ctx.body = { message: "202 Accepted" };
  });
}

function addMergeRequests(api: Router, fake: FakeOwned): void {
  const needOne = (ctx: Asked): LabPullRequest => {
    const found = pullRequestsOf(fake, need(ctx, fake).id).find((one) => String(one.id) === ctx.params.iid);
    if (!found) throw complaint(404, "404 Not found");
    return found;
  };
  api.get("/projects/:id/merge_requests", async (ctx) => {
    const project = need(ctx, fake);
    const found = pullRequestsOf(fake, project.id).filter(
      (one) => one.to === (ctx.query.target_branch ?? one.to) && (ctx.query.state !== "opened" || one.state === "open"),
    );
    const size = Math.min(Number(ctx.query.per_page ?? 20), 100);
    const page = found.toReversed().slice(0, size);
    ctx.body = await Promise.all(page.map((one) => toMergeRequest(ctx, fake, project, one)));
  });
  api.post("/projects/:id/merge_requests", async (ctx) => {
    const project = need(ctx, fake);
    demand(ctx, fake, "admin");
    const body = parse(
      z.object({
        title: z.string().min(1).max(255),
        source_branch: z.string(),
        target_branch: z.string(),
        description: z.string().optional(),
      }),
      await readJson(ctx),
    );
    const { title, description = "", source_branch: from, target_branch: to } = body;
    const made = await addPullRequest(fake, project.id, { title, description, from, to });
    if (made === "duplicate")
      throw new Answer(409, { message: ["Another open merge request already exists for this source branch: !1"] });
    if (made === "no-branch") throw new Answer(400, { message: { base: ["source branch does not exist"] } });
    ctx.status = 201;
    ctx.body = await toMergeRequest(ctx, fake, project, made);
  });
  api.get("/projects/:id/merge_requests/:iid", async (ctx) => {
    ctx.body = await toMergeRequest(ctx, fake, need(ctx, fake), needOne(ctx));
  });
  api.put("/projects/:id/merge_requests/:iid", async (ctx) => {
    const one = needOne(ctx);
    demand(ctx, fake, "admin");
    const body = parse(z.object({ state_event: z.enum(["close", "reopen"]).optional() }), await readJson(ctx));
    if (body.state_event === "close" && one.state === "open") closePullRequest(fake, one);
    ctx.body = await toMergeRequest(ctx, fake, need(ctx, fake), one);
  });
  api.put("/projects/:id/merge_requests/:iid/merge", async (ctx) => {
    const one = needOne(ctx);
    demand(ctx, fake, "admin");
    const { sha } = parse(z.object({ sha: z.string().optional() }), await readJson(ctx));
    if (one.state !== "open") throw complaint(405, "405 Method Not Allowed");
    if (sha !== undefined && sha !== (await headOf(fake, one)))
      throw complaint(409, "SHA does not match HEAD of source branch");
    const merged = await mergeByRules(fake, one);
    if (merged === "conflict") throw complaint(422, "Branch cannot be merged");
    if (merged !== "merged") throw complaint(405, "405 Method Not Allowed");
    ctx.body = await toMergeRequest(ctx, fake, need(ctx, fake), one);
  });
  api.get("/projects/:id/repository/commits/:sha/statuses", (ctx) => {
    const words = { running: "running", passed: "success", failed: "failed" } as const;
    const all = checksOf(fake, need(ctx, fake).id, ctx.params.sha);
    ctx.body = all.map(({ name, state, url }, at) => ({ id: at + 1, name, status: words[state], target_url: url }));
  });
}

function addStatuses(api: Router, fake: FakeOwned): void {
  api.post("/projects/:id/statuses/:sha", async (ctx) => {
    const { id: repository } = need(ctx, fake);
    demand(ctx, fake, "admin");
    const { sha: commit = "" } = ctx.params;
    const body = parse(
      z.object({
        state: z.enum(["pending", "running", "success", "failed", "canceled", "skipped"]),
        name: z.string().max(255).default("default"),
        target_url: z.string().max(255).optional(),
        description: z.string().max(255).optional(),
      }),
      await readJson(ctx),
    );
    const { state, name, target_url: url = "", description = "" } = body;
    const now = statusesOf(fake, repository, commit).find((one) => one.name === name);
    if (state === "running" && now?.state === "running")
      throw complaint(
        400,
        'Cannot transition status via :run from :running (Reason(s): Status cannot transition via "run")',
      );
    if (!(await addStatus(fake, { repository, commit, name, state, url, description })))
      throw complaint(404, "404 Commit Not Found");
    ctx.status = 201;
    ctx.body = { id: 1, sha: commit, status: state, name, target_url: url, description };
  });
}

function addPages(router: Router, fake: FakeOwned): void {
  const group = "/:group{/:subgroup}/:name";
  const addresses = { repository: group, file: `${group}/-/blob/:revision/*path`, commit: `${group}/-/commit/:commit` };
  addRepositoryPages(router, addresses, (ctx) => {
    const { group = "", subgroup, name = "" } = ctx.params;
    const found = findOwned(fake, subgroup === undefined ? group : `${group}/${subgroup}`, name);
    if (!found) throw complaint(404, "404 Project Not Found");
    const { id, owner } = found;
    const base = `${originOf(ctx)}/${owner}/${name}`;
    return {
      system: "GitLab",
      title: `${owner} / ${name}`,
      store: fake.store,
      id: String(id),
      branch: BRANCH,
      fileUrl: (file) => `${base}/-/blob/${BRANCH}/${file}`,
      commitUrl: (commit) => `${base}/-/commit/${commit}`,
      statusesOf: (commit) => statusesOf(fake, id, commit),
    };
  });
}

async function toProject(ctx: Koa.Context, fake: FakeOwned, one: OwnedRepository) {
  const isEmpty = (await fake.store.branches(String(one.id))).length === 0;
  const full = `${one.owner}/${one.name}`;
  return {
    id: one.id,
    path: one.name,
    path_with_namespace: full,
    description: one.description,
    default_branch: isEmpty ? null : BRANCH,
    empty_repo: isEmpty,
    visibility: one.private ? "private" : "public",
    marked_for_deletion_on: /-deletion_scheduled-\d+$/.test(one.name) ? "2026-01-01" : null,
    web_url: `${originOf(ctx)}/${full}`,
  };
}

/** As in a project that merges with merge commits. */
async function toMergeRequest(ctx: Koa.Context, fake: FakeOwned, project: OwnedRepository, one: LabPullRequest) {
  return {
    id: 1_000 + one.id,
    iid: one.id,
    web_url: `${originOf(ctx)}/${project.owner}/${project.name}/-/merge_requests/${one.id}`,
    title: one.title,
    state: one.state === "open" ? "opened" : one.state,
    source_branch: one.from,
    target_branch: one.to,
    source_project_id: sourceOf(one),
    target_project_id: one.repository,
    merge_commit_sha: one.mergeCommit ?? null,
    squash_commit_sha: null,
    sha: (await headOf(fake, one)) ?? null,
    detailed_merge_status: one.conflicts ? "conflict" : one.state === "open" ? "not_approved" : "not_open",
  };
}

/** A project is named by its number or by its path, of which the router has decoded the slashes. */
function need(ctx: Asked, fake: FakeOwned): OwnedRepository {
  const { id = "" } = ctx.params;
  const slash = id.lastIndexOf("/");
  const found = findOwned(fake, id.slice(0, Math.max(slash, 0)), id.slice(slash + 1));
  if (!found) throw complaint(404, "404 Project Not Found");
  return found;
}

function demand(ctx: Koa.Context, fake: FakeOwned, rights: GitAccount["rights"]): void {
  if (accountOf(ctx, fake.options.accounts)?.rights === rights) return;
  throw complaint(403, "403 Forbidden");
}

function parse<T>(schema: z.core.$ZodType<T>, body: unknown): T {
  const checked = z.safeParse(schema, body);
  if (checked.success) return checked.data;
  throw new Answer(400, { error: checked.error.issues.map(({ path }) => `${path.join(".")} is invalid`).join(", ") });
}

function complaint(status: number, message: string): Answer {
  return new Answer(status, { message });
}
