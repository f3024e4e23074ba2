// Fake Bitbucket Data Center: projects and repositories over REST, real git over HTTP. Its traps are the real
// one's: the slug is made from the name, a new repository is INITIALISING for a while, creation keeps only the name, 401
// also means "not permitted", errors carry the class name of an exception.

import Router from "@koa/router";
import type Koa from "koa";
import { z } from "zod";
import { Answer, type FakeServer, originOf, readJson, serve } from "../fake-server.ts";
import { addBuildStatus, addPullRequests } from "./bitbucket-dc-pull-requests.ts";
import {
  addProject,
  addRepository,
  type BitbucketDcOptions,
  complaint,
  demand,
  type FakeBitbucketDc,
  findProject,
  findRepository,
  needProject,
  needRepository,
  pageOf,
  parse,
  type Repository,
  type State,
  slugOf,
  toProject,
  toRepository,
} from "./bitbucket-dc-state.ts";
import { addRepositoryPages } from "./git-pages.ts";
import { accountOf, addGit, openFakeGit } from "./git-server.ts";
import type { GitStore } from "./git-store.ts";
import { mergePullRequest, type PullRequestActions, protectBranch, pullRequestActions } from "./pull-requests.ts";
import { addStatus, type LabStatus, statusesOf } from "./statuses.ts";
import { type LabWebhook, sendWebhooks } from "./webhooks.ts";

export type BitbucketDc = FakeServer & {
  /** A repository with one commit made of a folder; does nothing when its branch `main` exists. */
  readonly seedRepository: (project: string, slug: string, folder: string) => Promise<void>;
  /** Merges as a person would on the web page; returns the commit. */
  readonly mergePullRequest: (project: string, slug: string, id: number) => Promise<string>;
  /** What tests do to pull requests as a person or a CI system would. */
  readonly pullRequests: PullRequestActions;
  readonly statusesOf: (project: string, slug: string, commit: string) => readonly LabStatus[];
  readonly store: GitStore;
  readonly sendWebhooks: (hook: LabWebhook) => void;
};

export async function startBitbucketDc(options: BitbucketDcOptions): Promise<BitbucketDc> {
  const fake: FakeBitbucketDc = openFakeGit(options, (): State => ({ nextId: 1, projects: [], repositories: [] }));
  for (const { key, name } of options.projects) addProject(fake, key, name, "");
  const server = await serve(options, (router) => {
    addGit(router, fake.store, {
      prefix: "/scm",
      realm: "Atlassian Bitbucket",
      callerOf: (ctx) => accountOf(ctx, options.accounts),
      find: (key, slug) => findReady(fake, key, slug),
      says: {
        unknownCaller: "Authentication failed",
        noRepository: "Repository not found",
        mayNotPush: "You are not permitted to push",
      },
    });
    addPages(router, fake);
    const api = new Router({ prefix: "/rest/api/latest" });
    const builds = new Router({ prefix: "/rest/build-status/latest" });
    const signedIn = async (ctx: Koa.Context, next: Koa.Next): Promise<void> => {
      if (accountOf(ctx, options.accounts)) return next();
      const tried = ctx.get("authorization") !== "";
      throw tried
        ? complaint(401, "IncorrectPasswordAuthenticationException", "Invalid username or password")
        : complaint(401, "AuthenticationRequiredException", "You are not permitted to access this resource");
    };
    for (const one of [api, builds]) one.use(signedIn);
    addProjects(api, fake);
    addRepositories(api, fake);
    addContents(api, fake);
    addPullRequests(api, fake);
    addRestrictions(api, fake);
    addBuildStatus(builds, fake);
    addBuilds(api, fake);
    addReadingOfBuilds(api, fake);
    router.use(api.routes());
    router.use(builds.routes());
  });
  return {
    ...server,
    store: fake.store,
    sendWebhooks: (hook) =>
      sendWebhooks(fake.store, hook, (id) => {
        const found = fake.state.repositories.find((one) => String(one.id) === id);
        return found && { owner: found.project, name: found.slug };
      }),
    pullRequests: pullRequestActions(
      fake,
      (project, slug) => findRepository(fake, project, slug)?.id ?? 0,
      "Branch refs/heads/$branch can only be modified through pull requests.",
    ),
    statusesOf: (project, slug, commit) => statusesOf(fake, findRepository(fake, project, slug)?.id ?? 0, commit),
    mergePullRequest: (project, slug, id) => mergePullRequest(fake, findRepository(fake, project, slug)?.id ?? 0, id),
    seedRepository: async (project, slug, folder) => {
      const found = findRepository(fake, project, slug) ?? addRepository(fake, project, slug, { initialisingFor: 0 });
      await fake.store.create(String(found.id), found.defaultBranch);
      await fake.store.seed(String(found.id), found.defaultBranch, folder);
    },
  };
}

/** The branches of a repository into which only pull requests may go. */
function addRestrictions(router: Router, fake: FakeBitbucketDc): void {
  router.post("/projects/:key/repos/:slug/restrictions", async (ctx) => {
    demand(ctx, fake, "admin");
    const { branch, approvals } = parse(
      z.object({ branch: z.string().regex(/^[\w./-]+$/), approvals: z.int().default(0) }),
      await readJson(ctx),
    );
    const words = "Branch refs/heads/$branch can only be modified through pull requests.";
    await protectBranch(fake, { repository: needRepository(ctx, fake).id, branch, approvals }, words);
    ctx.status = 204;
  });
}

function addProjects(router: Router, fake: FakeBitbucketDc): void {
  router.get("/projects", (ctx) => {
    const isAdmin = accountOf(ctx, fake.options.accounts)?.rights === "admin";
    const shown = ctx.query.permission === "PROJECT_ADMIN" && !isAdmin ? [] : fake.state.projects;
    ctx.set("x-ausername", accountOf(ctx, fake.options.accounts)?.user ?? "");
    ctx.body = pageOf(ctx, shown.map(toProject));
  });
  router.post("/projects", async (ctx) => {
    demand(ctx, fake, "admin");
    const body = parse(
      z.object({ key: z.string(), name: z.string().optional(), description: z.string().optional() }),
      await readJson(ctx),
    );
    if (!/^[A-Za-z][A-Za-z0-9_]{0,127}$/.test(body.key))
      throw complaint(400, "InvalidProjectKeyException", "The project key is not valid.", "key");
    if (findProject(fake, body.key))
      throw complaint(409, "DuplicateProjectException", "This project key is already in use.", "key");
    ctx.status = 201;
    ctx.body = toProject(addProject(fake, body.key.toUpperCase(), body.name ?? body.key, body.description ?? ""));
  });
  router.get("/projects/:key", (ctx) => {
    ctx.body = toProject(needProject(fake, ctx.params.key ?? ""));
  });
}

function addRepositories(router: Router, fake: FakeBitbucketDc): void {
  router.get("/projects/:key/repos", (ctx) => {
    const project = needProject(fake, ctx.params.key ?? "");
    const own = fake.state.repositories.filter((one) => one.project === project.key);
    ctx.body = pageOf(
      ctx,
      own.map((one) => toRepository(ctx, fake, one)),
    );
  });
  router.post("/projects/:key/repos", async (ctx) => {
    demand(ctx, fake, "admin");
    const project = needProject(fake, ctx.params.key ?? "");
    const body = parse(
      z.object({ name: z.string().min(1), scmId: z.string().optional(), defaultBranch: z.string().optional() }),
      await readJson(ctx),
    );
    const slug = slugOf(body.name);
    if (slug === "") throw complaint(400, "InvalidRepositorySlugException", "The name is not valid.", "name");
    if (findRepository(fake, project.key, slug)) {
      throw complaint(409, "DuplicateRepositoryNameException", "This repository URL is already taken.", "name");
    }
    const made = addRepository(fake, project.key, body.name, { defaultBranch: body.defaultBranch ?? "master" });
    await fake.store.create(String(made.id), made.defaultBranch);
    ctx.status = 201;
    ctx.body = toRepository(ctx, fake, made);
  });
  router.get("/projects/:key/repos/:slug", (ctx) => {
    const repository = needRepository(ctx, fake);
    ctx.body = toRepository(ctx, fake, repository);
    if (repository.initialisingFor === 0) return;
    repository.initialisingFor -= 1;
    fake.save();
  });
  router.put("/projects/:key/repos/:slug", async (ctx) => {
    demand(ctx, fake, "admin");
    const repository = needRepository(ctx, fake);
    const body = parse(
      z.object({ description: z.string().optional(), defaultBranch: z.string().optional() }),
      await readJson(ctx),
    );
    repository.description = body.description ?? repository.description;
    repository.defaultBranch = body.defaultBranch ?? repository.defaultBranch;
    fake.save();
    ctx.status = 201;
    ctx.body = toRepository(ctx, fake, repository);
  });
  router.delete("/projects/:key/repos/:slug", async (ctx) => {
    demand(ctx, fake, "admin");
    const repository = findRepository(fake, ctx.params.key ?? "", ctx.params.slug ?? "");
    ctx.status = repository ? 202 : 204;
    if (!repository) return;
    fake.state.repositories = fake.state.repositories.filter((one) => one !== repository);
    fake.save();
    await fake.store.remove(String(repository.id));
    ctx.body = { context: null, message: "Repository scheduled for deletion.", exceptionName: null };
  });
}

function addContents(router: Router, fake: FakeBitbucketDc): void {
  router.get("/projects/:key/repos/:slug/branches", async (ctx) => {
    const repository = needRepository(ctx, fake);
    const branches = await fake.store.branches(String(repository.id));
    const values = branches.map(({ name, commit }) => ({
      id: `refs/heads/${name}`,
      displayId: name,
      type: "BRANCH",
      latestCommit: commit,
      latestChangeset: commit,
      isDefault: name === repository.defaultBranch,
    }));
    ctx.body = pageOf(ctx, values);
  });
  router.get("/projects/:key/repos/:slug/commits", async (ctx) => {
    const repository = needRepository(ctx, fake);
    const until = typeof ctx.query.until === "string" ? ctx.query.until : repository.defaultBranch;
    const commits = await fake.store.commits(String(repository.id), until, 1_000);
    const values = commits.map((one) => ({
      id: one.id,
      displayId: one.id.slice(0, 11),
      author: { name: one.author, emailAddress: one.email },
      authorTimestamp: one.atMs,
      committer: { name: one.author, emailAddress: one.email },
      committerTimestamp: one.atMs,
      message: one.message.trimEnd(),
      parents: one.parents.map((id) => ({ id, displayId: id.slice(0, 11) })),
    }));
    ctx.body = pageOf(ctx, values);
  });
  router.get("/projects/:key/repos/:slug/raw/*path", async (ctx) => {
    const repository = needRepository(ctx, fake);
    const at = typeof ctx.query.at === "string" ? ctx.query.at : repository.defaultBranch;
    const content = await fake.store.file(String(repository.id), at, ctx.params.path ?? "");
    if (content === undefined) throw complaint(404, "NoSuchPathException", "The path does not exist at this revision.");
    ctx.type = "application/octet-stream";
    ctx.body = content;
  });
}

function addBuilds(router: Router, fake: FakeBitbucketDc): void {
  router.post("/projects/:key/repos/:slug/commits/:commit/builds", async (ctx) => {
    const { id: repository } = needRepository(ctx, fake);
    const { commit = "" } = ctx.params;
    const body = parse(
      z.object({
        key: z.string().min(1).max(255),
        state: z.enum(["SUCCESSFUL", "FAILED", "INPROGRESS", "CANCELLED", "UNKNOWN"]),
        url: z.url().max(450),
        description: z.string().optional(),
      }),
      await readJson(ctx),
    );
    const { key: name, state, url, description = "" } = body;
    if (!(await addStatus(fake, { repository, commit, name, state, url, description })))
      throw complaint(404, "NoSuchCommitException", `Commit '${commit}' does not exist.`);
    ctx.status = 204;
  });
}

function addReadingOfBuilds(router: Router, fake: FakeBitbucketDc): void {
  router.get("/projects/:key/repos/:slug/commits/:commit/builds", (ctx) => {
    const { id } = needRepository(ctx, fake);
    const { key } = ctx.query;
    const found = statusesOf(fake, id, ctx.params.commit ?? "").find(({ name }) => name === key);
    if (!found) throw complaint(404, "NoSuchBuildStatusException", `Build status '${String(key)}' does not exist.`);
    const { name, state, url, description } = found;
    ctx.body = { key: name, name, state, url, description };
  });
}

function findReady(fake: FakeBitbucketDc, key: string, slug: string): Repository | undefined {
  const repository = findRepository(fake, key, slug);
  if (repository && repository.initialisingFor > 0) {
    // A real one is ready after a while, whoever asks.
    repository.initialisingFor -= 1;
    fake.save();
    throw new Answer(503, "Repository is being initialised");
  }
  return repository;
}

function addPages(router: Router, fake: FakeBitbucketDc): void {
  const addresses = {
    repository: "/projects/:key/repos/:slug/browse",
    file: "/projects/:key/repos/:slug/browse/*path",
    commit: "/projects/:key/repos/:slug/commits/:commit",
  };
  addRepositoryPages(router, addresses, (ctx) => {
    const repository = needRepository(ctx, fake);
    const base = `${originOf(ctx)}/projects/${repository.project}/repos/${repository.slug}`;
    return {
      system: "Bitbucket Data Center",
      title: `${repository.project} / ${repository.slug}`,
      store: fake.store,
      id: String(repository.id),
      branch: repository.defaultBranch,
      fileUrl: (file) => `${base}/browse/${file}`,
      commitUrl: (commit) => `${base}/commits/${commit}`,
      statusesOf: (commit) => statusesOf(fake, repository.id, commit),
    };
  });
}
