// Fake Bitbucket Cloud: workspaces and repositories over REST 2.0, real git over HTTP. Its traps are the real
// one's: creating answers 200, "exists" is a 400 with a sentence, slugs are lower case, the default branch is null until
// the first push, and git wants other user names than the API.

import Router from "@koa/router";
import type Koa from "koa";
import { z } from "zod";
import { Answer, type FakeServer, type FakeServerOptions, originOf, readJson, serve } from "../fake-server.ts";
import { type Asked, addRepositoryPages } from "./git-pages.ts";
import { accountOf, addGit, type FakeGit, type GitAccount, openFakeGit } from "./git-server.ts";
import type { GitStore } from "./git-store.ts";
import {
  addPullRequest,
  checksOf,
  closePullRequest,
  headOf,
  type LabPullRequest,
  mergeByRules,
  mergePullRequest,
  type PullRequestActions,
  type PullRequestState,
  pullRequestActions,
  pullRequestsOf,
} from "./pull-requests.ts";
import { addStatus, type LabStatus, type StatusState, statusesOf } from "./statuses.ts";
import { type LabWebhook, sendWebhooks } from "./webhooks.ts";

export type BitbucketCloudOptions = FakeServerOptions & {
  readonly accounts: readonly GitAccount[];
  readonly workspaces: readonly string[];
};

export type BitbucketCloud = FakeServer & {
  /** In the project APPS of the workspace. */
  readonly seedRepository: (workspace: string, slug: string, folder: string) => Promise<void>;
  /** Merges as a person would on the web page; returns the commit. */
  readonly mergePullRequest: (workspace: string, slug: string, id: number) => Promise<string>;
  /** What tests do to pull requests as a person or a CI system would. */
  readonly pullRequests: PullRequestActions;
  readonly statusesOf: (workspace: string, slug: string, commit: string) => readonly LabStatus[];
  readonly store: GitStore;
  readonly sendWebhooks: (hook: LabWebhook) => void;
};

type Repository = { id: number; workspace: string; slug: string; description: string; private: boolean; key: string };
type State = PullRequestState & StatusState & { nextId: number; repositories: Repository[] };
type FakeBitbucketCloud = FakeGit<BitbucketCloudOptions, State>;

/** The user names that git may give beside an API token or an access token. */
const GIT_USERS = ["x-bitbucket-api-token-auth", "x-token-auth"];
const BRANCH = "main";

export async function startBitbucketCloud(options: BitbucketCloudOptions): Promise<BitbucketCloud> {
  const fake: FakeBitbucketCloud = openFakeGit(options, (): State => ({ nextId: 1, repositories: [] }));
  const server = await serve(options, (router) => {
    const api = new Router({ prefix: "/2.0" });
    api.use(async (ctx, next) => {
      const account = accountOf(ctx, options.accounts);
      const scopes = { read: "repository", write: "repository:write", admin: "repository:admin, repository:write" };
      if (account) ctx.set("x-oauth-scopes", scopes[account.rights]);
      if (account) return next();
      throw complaint(401, "Token is invalid, expired, or not supported for this endpoint.");
    });
    addRepositories(api, fake);
    addContents(api, fake);
    addPullRequests(api, fake);
    addStatuses(api, fake);
    router.use(api.routes());
    addGit(router, fake.store, {
      prefix: "",
      realm: "Bitbucket.org HTTP",
      callerOf: (ctx) => accountOf(ctx, options.accounts, GIT_USERS),
      find: (workspace, slug) => find(fake, workspace, slug),
      says: {
        unknownCaller: "Authentication failed",
        noRepository: "Repository not found",
        mayNotPush: "Your credentials lack the privilege to push.",
      },
    });
    addPages(router, fake);
  });
  return {
    ...server,
    store: fake.store,
    sendWebhooks: (hook) =>
      sendWebhooks(fake.store, hook, (id) => {
        const found = fake.state.repositories.find((one) => String(one.id) === id);
        return found && { owner: found.workspace, name: found.slug };
      }),
    pullRequests: pullRequestActions(
      fake,
      (workspace, slug) => find(fake, workspace, slug)?.id ?? 0,
      "Permission denied to update branch $branch.",
    ),
    statusesOf: (workspace, slug, commit) => statusesOf(fake, find(fake, workspace, slug)?.id ?? 0, commit),
    mergePullRequest: (workspace, slug, id) => mergePullRequest(fake, find(fake, workspace, slug)?.id ?? 0, id),
    seedRepository: async (workspace, slug, folder) => {
      const found = find(fake, workspace, slug) ?? (await add(fake, { workspace, slug, key: "APPS" }));
      await fake.store.seed(String(found.id), BRANCH, folder);
    },
  };
}

function addRepositories(api: Router, fake: FakeBitbucketCloud): void {
  api.get("/repositories/:workspace", async (ctx) => {
    const own = fake.state.repositories.filter((one) => one.workspace === ctx.params.workspace);
    ctx.body = pageOf(ctx, await Promise.all(own.map((one) => toRepository(ctx, fake, one))));
  });
  api.get("/repositories/:workspace/:slug", async (ctx) => {
    ctx.body = await toRepository(ctx, fake, need(ctx, fake));
  });
  api.post("/repositories/:workspace/:slug", async (ctx) => {
    demand(ctx, fake, "admin");
    const { workspace = "", slug = "" } = ctx.params;
    if (!fake.options.workspaces.includes(workspace))
      throw complaint(404, `No workspace with identifier '${workspace}'.`);
    if (!/^[a-z0-9_.-]{1,62}$/.test(slug)) throw complaint(400, "Invalid slug. It must be lowercase, alphanumerical.");
    if (find(fake, workspace, slug)) throw complaint(400, "Repository with this Slug and Owner already exists.");
    const body = parse(
      z.object({
        scm: z.literal("git").optional(),
        is_private: z.boolean().optional(),
        description: z.string().optional(),
        project: z.object({ key: z.string() }).optional(),
      }),
      await readJson(ctx),
    );
    const made = await add(fake, {
      workspace,
      slug,
      description: body.description ?? "",
      private: body.is_private ?? false,
      key: body.project?.key ?? "FIRST",
    });
    ctx.body = await toRepository(ctx, fake, made);
  });
  api.put("/repositories/:workspace/:slug", async (ctx) => {
    demand(ctx, fake, "admin");
    const repository = need(ctx, fake);
    const body = parse(z.object({ description: z.string().optional() }), await readJson(ctx));
    repository.description = body.description ?? repository.description;
    fake.save();
    ctx.body = await toRepository(ctx, fake, repository);
  });
  api.delete("/repositories/:workspace/:slug", async (ctx) => {
    demand(ctx, fake, "admin");
    const repository = need(ctx, fake);
    fake.state.repositories = fake.state.repositories.filter((one) => one !== repository);
    fake.save();
    await fake.store.remove(String(repository.id));
    ctx.status = 204;
  });
}

function addStatuses(api: Router, fake: FakeBitbucketCloud): void {
  api.post("/repositories/:workspace/:slug/commit/:commit/statuses/build", async (ctx) => {
    demand(ctx, fake, "admin");
    const { id: repository } = need(ctx, fake);
    const { commit = "" } = ctx.params;
    const body = parse(
      z.object({
        key: z.string().min(1).max(40),
        state: z.enum(["SUCCESSFUL", "STOPPED", "INPROGRESS", "FAILED"]),
        url: z.url(),
        description: z.string().optional(),
      }),
      await readJson(ctx),
    );
    const { key, state, url, description = "" } = body;
    if (!(await addStatus(fake, { repository, commit, name: key, state, url, description })))
      throw complaint(404, `Commit not found: ${commit}`);
    ctx.status = 201;
    ctx.body = { type: "build", key, state, url, description };
  });
}

function addContents(api: Router, fake: FakeBitbucketCloud): void {
  api.get("/repositories/:workspace/:slug/refs/branches", async (ctx) => {
    const branches = await fake.store.branches(String(need(ctx, fake).id));
    ctx.body = pageOf(
      ctx,
      branches.map(({ name, commit }) => ({ type: "branch", name, target: { type: "commit", hash: commit } })),
    );
  });
  api.get("/repositories/:workspace/:slug/commits", async (ctx) => {
    const commits = await fake.store.commits(String(need(ctx, fake).id), BRANCH, 1_000);
    const values = commits.map((one) => ({
      type: "commit",
      hash: one.id,
      date: new Date(one.atMs).toISOString(),
      message: one.message,
      author: { type: "author", raw: `${one.author} <${one.email}>` },
      parents: one.parents.map((hash) => ({ type: "commit", hash })),
    }));
    ctx.body = pageOf(ctx, values);
  });
  api.get("/repositories/:workspace/:slug/src/:commit/*path", async (ctx) => {
    const { commit = "", path = "" } = ctx.params;
    const content = await fake.store.file(String(need(ctx, fake).id), commit, path);
    if (content === undefined) throw complaint(404, `No such file or directory: ${path}`);
    ctx.type = "application/octet-stream";
    ctx.body = content;
  });
}

function addPullRequests(api: Router, fake: FakeBitbucketCloud): void {
  const path = "/repositories/:workspace/:slug/pullrequests";
  const needOne = (ctx: Asked): LabPullRequest => {
    const found = pullRequestsOf(fake, need(ctx, fake).id).find((one) => String(one.id) === ctx.params.id);
    if (!found) throw complaint(404, "Pull request not found");
    return found;
  };
  api.get(path, async (ctx) => {
    const to = /destination\.branch\.name = "([^"]+)"/.exec(String(ctx.query.q ?? ""))?.[1];
    const all = pullRequestsOf(fake, need(ctx, fake).id).filter(
      (one) => one.state === "open" && one.to === (to ?? one.to),
    );
    const page = pageOf(ctx, all.toReversed());
    ctx.body = { ...page, values: await Promise.all(page.values.map((one) => toPullRequest(ctx, fake, one))) };
  });
  api.post(path, async (ctx) => {
    demand(ctx, fake, "admin");
    const branch = z.object({ branch: z.object({ name: z.string() }) });
    const body = parse(
      z.object({ title: z.string(), description: z.string().optional(), source: branch, destination: branch }),
      await readJson(ctx),
    );
    const { title, description = "", source, destination } = body;
    const fields = { title, description, from: source.branch.name, to: destination.branch.name };
    const made = await addPullRequest(fake, need(ctx, fake).id, fields);
    if (typeof made === "string")
      throw complaint(400, made === "duplicate" ? "It exists." : "source: branch not found");
    ctx.status = 201;
    ctx.body = await toPullRequest(ctx, fake, made);
  });
  api.get(`${path}/:id`, async (ctx) => {
    ctx.body = await toPullRequest(ctx, fake, needOne(ctx));
  });
  api.post(`${path}/:id/decline`, async (ctx) => {
    demand(ctx, fake, "admin");
    const one = needOne(ctx);
    if (one.state !== "open") throw complaint(400, "This pull request is already closed.");
    closePullRequest(fake, one);
    ctx.body = await toPullRequest(ctx, fake, one);
  });
  api.post(`${path}/:id/merge`, async (ctx) => {
    demand(ctx, fake, "admin");
    const one = needOne(ctx);
    const merged = await mergeByRules(fake, one);
    if (merged === "conflict") throw complaint(409, "There are merge conflicts; resolve them first.");
    if (merged !== "merged") throw complaint(400, `${merged.approvals} more approval is required to merge.`);
    ctx.body = await toPullRequest(ctx, fake, one);
  });
  api.get(`${path}/:id/statuses`, async (ctx) => {
    const one = needOne(ctx);
    const states = { running: "INPROGRESS", passed: "SUCCESSFUL", failed: "FAILED" } as const;
    const all = checksOf(fake, one.repository, await headOf(fake, one));
    const values = all.map(({ name, state, url }) => ({ type: "build", key: name, name, state: states[state], url }));
    ctx.body = pageOf(ctx, values);
  });
}

async function toPullRequest(ctx: Koa.Context, fake: FakeBitbucketCloud, one: LabPullRequest) {
  const states = { open: "OPEN", merged: "MERGED", closed: "DECLINED" } as const;
  const head = await headOf(fake, one);
  const own = `${ctx.params.workspace}/${ctx.params.slug}`;
  return {
    type: "pullrequest",
    id: one.id,
    title: one.title,
    description: one.description,
    state: states[one.state],
    // The real one shortens it.
    merge_commit: one.mergeCommit === undefined ? null : { hash: one.mergeCommit.slice(0, 12) },
    // Shortened, too, and null when the branch is gone.
    source: {
      branch: { name: one.from },
      commit: head === undefined ? null : { hash: head.slice(0, 12) },
      repository: { type: "repository", full_name: one.fork ? "somebody/fork" : own },
    },
    destination: { branch: { name: one.to }, repository: { type: "repository", full_name: own } },
    links: {
      html: { href: `${originOf(ctx)}/${ctx.params.workspace}/${ctx.params.slug}/pull-requests/${one.id}` },
    },
  };
}

function addPages(router: Router, fake: FakeBitbucketCloud): void {
  const addresses = {
    repository: "/:workspace/:slug",
    file: "/:workspace/:slug/src/:revision/*path",
    commit: "/:workspace/:slug/commits/:commit",
  };
  addRepositoryPages(router, addresses, (ctx) => {
    const { id, workspace, slug } = need(ctx, fake);
    const base = `${originOf(ctx)}/${workspace}/${slug}`;
    return {
      system: "Bitbucket Cloud",
      title: `${workspace} / ${slug}`,
      store: fake.store,
      id: String(id),
      branch: BRANCH,
      fileUrl: (file) => `${base}/src/${BRANCH}/${file}`,
      commitUrl: (commit) => `${base}/commits/${commit}`,
      statusesOf: (commit) => statusesOf(fake, id, commit),
    };
  });
}

function find(fake: FakeBitbucketCloud, workspace: string, slug: string): Repository | undefined {
  return fake.state.repositories.find((one) => one.workspace === workspace && one.slug === slug.toLowerCase());
}

function need(ctx: Asked, fake: FakeBitbucketCloud): Repository {
  const { workspace = "", slug = "" } = ctx.params;
  const found = find(fake, workspace, slug);
  if (!found) throw complaint(404, `Repository ${workspace}/${slug} not found`);
  return found;
}

async function add(
  fake: FakeBitbucketCloud,
  fields: { workspace: string; slug: string } & Partial<Repository>,
): Promise<Repository> {
  const repository = { id: fake.state.nextId++, description: "", private: true, key: "FIRST", ...fields };
  await fake.store.create(String(repository.id), BRANCH);
  fake.state.repositories.push(repository);
  fake.save();
  return repository;
}

async function toRepository(ctx: Koa.Context, fake: FakeBitbucketCloud, one: Repository) {
  const full = `${one.workspace}/${one.slug}`;
  const [branch] = await fake.store.branches(String(one.id));
  return {
    type: "repository",
    uuid: `{00000000-0000-4000-8000-${String(one.id).padStart(12, "0")}}`,
    slug: one.slug,
    name: one.slug,
    full_name: full,
    description: one.description,
    scm: "git",
    is_private: one.private,
    mainbranch: branch === undefined ? null : { type: "branch", name: branch.name },
    project: { type: "project", key: one.key },
    links: {
      html: { href: `${originOf(ctx)}/${full}` },
      // The real one puts the caller's name here.
      clone: [{ name: "https", href: `${originOf(ctx).replace("://", "://somebody@")}/${full}.git` }],
    },
  };
}

function pageOf<T>(ctx: Koa.Context, all: readonly T[]) {
  const page = Number(ctx.query.page ?? 1);
  const pagelen = Math.min(Number(ctx.query.pagelen ?? 10), 100);
  const values = all.slice((page - 1) * pagelen, page * pagelen);
  const more = page * pagelen < all.length;
  const next = `${originOf(ctx)}${ctx.path}?page=${page + 1}&pagelen=${pagelen}`;
  return { values, page, pagelen, size: all.length, ...(more ? { next } : {}) };
}

function demand(ctx: Koa.Context, fake: FakeBitbucketCloud, rights: GitAccount["rights"]): void {
  if (accountOf(ctx, fake.options.accounts)?.rights === rights) return;
  throw complaint(403, "Your credentials lack one or more required privilege scopes.");
}

function parse<T>(schema: z.core.$ZodType<T>, body: unknown): T {
  const checked = z.safeParse(schema, body);
  if (checked.success) return checked.data;
  throw complaint(400, checked.error.issues.map((issue) => issue.message).join("; "));
}

function complaint(status: number, message: string): Answer {
  return new Answer(status, { type: "error", error: { message } });
}
