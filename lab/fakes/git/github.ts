// Fake GitHub (its Enterprise Server address scheme: /api/v3): owners and repositories over REST, real git over
// HTTP. Its traps are the real one's: "exists" is a 422 among other 422s, what the token may not see is a 404, and a rate
// limit is a 403.

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

export type GithubOptions = FakeServerOptions & {
  readonly accounts: readonly GitAccount[];
  readonly organisations: readonly string[];
};

export type Github = FakeServer & {
  readonly seedRepository: (owner: string, name: string, folder: string) => Promise<void>;
  /** Merges as a person would on the web page; returns the commit. */
  readonly mergePullRequest: (owner: string, name: string, id: number) => Promise<string>;
  /** What tests do to pull requests as a person or a CI system would. */
  readonly pullRequests: PullRequestActions;
  readonly store: GitStore;
};

type Repository = { id: number; owner: string; name: string; description: string | null; private: boolean };
type State = PullRequestState & { nextId: number; repositories: Repository[]; conflicts?: string[] };
type FakeGithub = FakeGit<GithubOptions, State>;

const BRANCH = "main";

export async function startGithub(options: GithubOptions): Promise<Github> {
  const fake: FakeGithub = openFakeGit(options, (): State => ({ nextId: 1, repositories: [] }));
  const server = await serve(options, (router) => {
    const api = new Router({ prefix: "/api/v3" });
    api.use(async (ctx, next) => {
      const account = accountOf(ctx, options.accounts);
      // As for a classic token; answers to a fine-grained one do not have this header.
      if (account) ctx.set("x-oauth-scopes", account.rights === "admin" ? "delete_repo, repo" : "read:user");
      if (account) return next();
      throw complaint(401, ctx.get("authorization") === "" ? "Requires authentication" : "Bad credentials");
    });
    addOwners(api, fake);
    addRepositories(api, fake);
    addContents(api, fake);
    addPullRequests(api, fake);
    router.use(api.routes());
    addGit(router, fake.store, {
      prefix: "",
      realm: "GitHub",
      callerOf: (ctx) => gitAccountOf(ctx, fake),
      find: (owner, name) => find(fake, owner, name),
      says: {
        unknownCaller: "Invalid username or token.",
        noRepository: "Repository not found.",
        mayNotPush: "Write access to repository not granted.",
      },
    });
    addPages(router, fake);
  });
  return {
    ...server,
    store: fake.store,
    pullRequests: pullRequestActions(
      fake,
      (owner, name) => find(fake, owner, name)?.id ?? 0,
      "error: GH006: Protected branch update failed for refs/heads/$branch.",
    ),
    mergePullRequest: (owner, name, id) => mergePullRequest(fake, find(fake, owner, name)?.id ?? 0, id),
    seedRepository: async (owner, name, folder) => {
      const found = find(fake, owner, name) ?? (await add(fake, owner, { name }));
      await fake.store.seed(String(found.id), BRANCH, folder);
    },
  };
}

function addOwners(api: Router, fake: FakeGithub): void {
  api.get("/user", (ctx) => {
    ctx.body = toOwner(fake, accountOf(ctx, fake.options.accounts)?.user ?? "");
  });
  api.get("/users/:owner", (ctx) => {
    const { owner = "" } = ctx.params;
    if (!isOwner(fake, owner)) throw complaint(404, "Not Found");
    ctx.body = toOwner(fake, owner);
  });
}

function addRepositories(api: Router, fake: FakeGithub): void {
  const create = async (ctx: Koa.Context, owner: string): Promise<void> => {
    demand(ctx, fake, "admin");
    const body = parse(
      z.object({ name: z.string().min(1), description: z.string().nullish(), private: z.boolean().optional() }),
      await readJson(ctx),
    );
    const name = body.name.replace(/[^A-Za-z0-9._-]+/g, "-");
    if (find(fake, owner, name)) {
      const error = {
        resource: "Repository",
        code: "custom",
        field: "name",
        message: "name already exists on this account",
      };
      throw new Answer(422, { message: "Repository creation failed.", errors: [error], status: "422" });
    }
    const fields = { name, description: body.description ?? null, private: body.private ?? false };
    const made = await add(fake, owner, fields);
    ctx.status = 201;
    ctx.body = toRepository(ctx, fake, made);
  };
  api.post("/orgs/:owner/repos", (ctx) => {
    const { owner = "" } = ctx.params;
    if (!fake.options.organisations.includes(owner)) throw complaint(404, "Not Found");
    return create(ctx, owner);
  });
  api.post("/user/repos", (ctx) => create(ctx, accountOf(ctx, fake.options.accounts)?.user ?? ""));
  api.get("/orgs/:owner/repos", (ctx) => {
    const own = fake.state.repositories.filter((one) => one.owner === ctx.params.owner);
    ctx.body = pageOf(
      ctx,
      own.map((one) => toRepository(ctx, fake, one)),
    );
  });
  api.get("/user/repos", (ctx) => {
    const user = accountOf(ctx, fake.options.accounts)?.user;
    const own = fake.state.repositories.filter((one) => one.owner === user);
    ctx.body = pageOf(
      ctx,
      own.map((one) => toRepository(ctx, fake, one)),
    );
  });
  api.get("/repos/:owner/:name", (ctx) => {
    ctx.body = toRepository(ctx, fake, need(ctx, fake));
  });
  api.patch("/repos/:owner/:name", async (ctx) => {
    demand(ctx, fake, "admin");
    const repository = need(ctx, fake);
    const body = parse(z.object({ description: z.string().nullish() }), await readJson(ctx));
    repository.description = body.description ?? repository.description;
    fake.save();
    ctx.body = toRepository(ctx, fake, repository);
  });
  api.delete("/repos/:owner/:name", async (ctx) => {
    demand(ctx, fake, "admin");
    const repository = need(ctx, fake);
    fake.state.repositories = fake.state.repositories.filter((one) => one !== repository);
    fake.save();
    await fake.store.remove(String(repository.id));
    ctx.status = 204;
  });
}

function addContents(api: Router, fake: FakeGithub): void {
  api.get("/repos/:owner/:name/branches", async (ctx) => {
    const branches = await fake.store.branches(String(need(ctx, fake).id));
    ctx.body = pageOf(
      ctx,
      branches.map(({ name, commit }) => ({ name, commit: { sha: commit }, protected: false })),
    );
  });
  api.get("/repos/:owner/:name/commits", async (ctx) => {
    const commits = await fake.store.commits(String(need(ctx, fake).id), BRANCH, 1_000);
    const values = commits.map((one) => ({
      sha: one.id,
      commit: {
        message: one.message.trimEnd(),
        author: { name: one.author, email: one.email, date: new Date(one.atMs).toISOString() },
      },
      parents: one.parents.map((sha) => ({ sha })),
    }));
    ctx.body = pageOf(ctx, values);
  });
  api.get("/repos/:owner/:name/contents/*path", async (ctx) => {
    const { path = "" } = ctx.params;
    const ref = typeof ctx.query.ref === "string" ? ctx.query.ref : BRANCH;
    const content = await fake.store.file(String(need(ctx, fake).id), ref, path);
    if (content === undefined) throw complaint(404, "Not Found");
    ctx.body = { type: "file", path, encoding: "base64", content: content.toString("base64") };
  });
}

function addPullRequests(api: Router, fake: FakeGithub): void {
  const needOne = (ctx: Asked): LabPullRequest => {
    const found = pullRequestsOf(fake, need(ctx, fake).id).find((one) => String(one.id) === ctx.params.number);
    if (!found) throw complaint(404, "Not Found");
    return found;
  };
  api.get("/repos/:owner/:name/pulls", async (ctx) => {
    const all = pullRequestsOf(fake, need(ctx, fake).id).filter(
      (one) => one.to === (ctx.query.base ?? one.to) && (ctx.query.state === "all" || one.state === "open"),
    );
    ctx.body = pageOf(ctx, await Promise.all(all.toReversed().map((one) => toPullRequest(ctx, fake, one))));
  });
  api.post("/repos/:owner/:name/pulls", async (ctx) => {
    demand(ctx, fake, "admin");
    const body = parse(
      z.object({ title: z.string(), head: z.string(), base: z.string(), body: z.string().nullish() }),
      await readJson(ctx),
    );
    const fields = { title: body.title, description: body.body ?? "", from: body.head, to: body.base };
    const made = await addPullRequest(fake, need(ctx, fake).id, fields);
    if (typeof made === "string") {
      const message =
        made === "duplicate"
          ? `A pull request already exists for ${ctx.params.owner}:${body.head}.`
          : "head is invalid";
      const errors = [{ resource: "PullRequest", code: "custom", message }];
      throw new Answer(422, { message: "Validation Failed", errors, status: "422" });
    }
    ctx.status = 201;
    ctx.body = await toPullRequest(ctx, fake, made);
  });
  api.get("/repos/:owner/:name/pulls/:number", async (ctx) => {
    ctx.body = await toPullRequest(ctx, fake, needOne(ctx));
  });
  api.patch("/repos/:owner/:name/pulls/:number", async (ctx) => {
    demand(ctx, fake, "admin");
    const one = needOne(ctx);
    const { state } = parse(z.object({ state: z.enum(["open", "closed"]).optional() }), await readJson(ctx));
    if (state === "closed" && one.state === "open") closePullRequest(fake, one);
    ctx.body = await toPullRequest(ctx, fake, one);
  });
  api.put("/repos/:owner/:name/pulls/:number/merge", async (ctx) => {
    demand(ctx, fake, "admin");
    const one = needOne(ctx);
    const { sha } = parse(z.object({ sha: z.string().optional() }), await readJson(ctx));
    if (sha !== undefined && sha !== (await headOf(fake, one)))
      throw complaint(409, "Head branch was modified. Review and try the merge again.");
    if (one.state !== "open") throw complaint(405, "Pull Request is not mergeable");
    const merged = await mergeByRules(fake, one);
    if (merged === "conflict") {
      fake.state.conflicts = [...(fake.state.conflicts ?? []), `${one.repository}/${one.id}`];
      throw complaint(405, "Pull Request is not mergeable");
    }
    if (merged !== "merged")
      throw complaint(405, `At least ${merged.approvals} approving review is required by reviewers with write access.`);
    ctx.body = { sha: one.mergeCommit, merged: true, message: "Pull Request successfully merged" };
  });
  api.get("/repos/:owner/:name/commits/:ref/status", (ctx) => {
    const states = { running: "pending", passed: "success", failed: "failure" } as const;
    const all = checksOf(fake, need(ctx, fake).id, ctx.params.ref).filter(({ name }) => !isRun(name));
    const statuses = all.map(({ name, state, url }) => ({ context: name, state: states[state], target_url: url }));
    // Also pending when there is none.
    ctx.body = { state: "pending", total_count: statuses.length, statuses };
  });
  api.get("/repos/:owner/:name/commits/:ref/check-runs", (ctx) => {
    const all = checksOf(fake, need(ctx, fake).id, ctx.params.ref).filter(({ name }) => isRun(name));
    const runs = all.map(({ name, state, url }) => ({
      name,
      status: state === "running" ? "in_progress" : "completed",
      conclusion: state === "running" ? null : state === "passed" ? "success" : "failure",
      html_url: url,
    }));
    ctx.body = { total_count: runs.length, check_runs: runs };
  });
}

/** GitHub Actions report runs, other systems statuses. */
function isRun(name: string): boolean {
  return name.startsWith("actions");
}

async function toPullRequest(ctx: Koa.Context, fake: FakeGithub, one: LabPullRequest) {
  return {
    number: one.id,
    html_url: `${originOf(ctx)}/${ctx.params.owner}/${ctx.params.name}/pull/${one.id}`,
    title: one.title,
    body: one.description,
    state: one.state === "open" ? "open" : "closed",
    merged_at: one.state === "merged" ? "2026-01-01T00:00:00Z" : null,
    // An open one has the commit of a trial merge here.
    merge_commit_sha: one.mergeCommit ?? "0".repeat(40),
    // It is null until GitHub has tried, and false for a conflict.
    mergeable: fake.state.conflicts?.includes(`${one.repository}/${one.id}`) ? false : null,
    head: { ref: one.from, sha: (await headOf(fake, one)) ?? "0".repeat(40) },
    base: { ref: one.to },
  };
}

/** GitHub takes any user name beside a token. */
function gitAccountOf(ctx: Koa.Context, { options }: FakeGithub): GitAccount | undefined {
  const [, value = ""] = ctx.get("authorization").split(" ", 2);
  const [user = ""] = Buffer.from(value, "base64").toString("utf8").split(":", 1);
  return accountOf(ctx, options.accounts, [user]);
}

function addPages(router: Router, fake: FakeGithub): void {
  const addresses = {
    repository: "/:owner/:name",
    file: "/:owner/:name/blob/:branch/*path",
    commit: "/:owner/:name/commit/:commit",
  };
  addRepositoryPages(router, addresses, (ctx) => {
    const { id, owner, name } = need(ctx, fake);
    const base = `${originOf(ctx)}/${owner}/${name}`;
    return {
      system: "GitHub",
      title: `${owner} / ${name}`,
      store: fake.store,
      id: String(id),
      branch: BRANCH,
      fileUrl: (file) => `${base}/blob/${BRANCH}/${file}`,
      commitUrl: (commit) => `${base}/commit/${commit}`,
    };
  });
}

function isOwner(fake: FakeGithub, owner: string): boolean {
  return fake.options.organisations.includes(owner) || fake.options.accounts.some((one) => one.user === owner);
}

function toOwner(fake: FakeGithub, login: string) {
  return { login, id: 1, type: fake.options.organisations.includes(login) ? "Organization" : "User" };
}

function find(fake: FakeGithub, owner: string, name: string): Repository | undefined {
  const [wantedOwner, wantedName] = [owner.toLowerCase(), name.toLowerCase()];
  return fake.state.repositories.find(
    (one) => one.owner.toLowerCase() === wantedOwner && one.name.toLowerCase() === wantedName,
  );
}

function need(ctx: Asked, fake: FakeGithub): Repository {
  const found = find(fake, ctx.params.owner ?? "", ctx.params.name ?? "");
  if (!found) throw complaint(404, "Not Found");
  return found;
}

async function add(
  fake: FakeGithub,
  owner: string,
  fields: { name: string } & Partial<Repository>,
): Promise<Repository> {
  const repository = { id: fake.state.nextId++, owner, description: null, private: true, ...fields };
  await fake.store.create(String(repository.id), BRANCH);
  fake.state.repositories.push(repository);
  fake.save();
  return repository;
}

function toRepository(ctx: Koa.Context, fake: FakeGithub, one: Repository) {
  const full = `${one.owner}/${one.name}`;
  return {
    id: one.id,
    name: one.name,
    full_name: full,
    owner: toOwner(fake, one.owner),
    description: one.description,
    private: one.private,
    default_branch: BRANCH,
    html_url: `${originOf(ctx)}/${full}`,
    clone_url: `${originOf(ctx)}/${full}.git`,
  };
}

function pageOf<T>(ctx: Koa.Context, all: readonly T[]): readonly T[] {
  const page = Number(ctx.query.page ?? 1);
  const perPage = Math.min(Number(ctx.query.per_page ?? 30), 100);
  if (page * perPage < all.length) {
    ctx.set("link", `<${originOf(ctx)}${ctx.path}?page=${page + 1}&per_page=${perPage}>; rel="next"`);
  }
  return all.slice((page - 1) * perPage, page * perPage);
}

function demand(ctx: Koa.Context, fake: FakeGithub, rights: GitAccount["rights"]): void {
  if (accountOf(ctx, fake.options.accounts)?.rights === rights) return;
  throw complaint(403, "Resource not accessible by personal access token");
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const checked = schema.safeParse(body);
  if (checked.success) return checked.data;
  throw complaint(422, "Validation Failed");
}

function complaint(status: number, message: string): Answer {
  return new Answer(status, { message, documentation_url: "https://docs.github.com/rest", status: String(status) });
}
