// Fake GitHub (its Enterprise Server address scheme: /api/v3): owners and repositories over REST, real git over
// HTTP. Its traps are the real one's: "exists" is a 422 among other 422s, what the token may not see is a 404, and a rate
// limit is a 403.

import Router from "@koa/router";
import type Koa from "koa";
import { z } from "zod";
import { Answer, type FakeServer, type FakeServerOptions, originOf, readJson, serve } from "../fake-server.ts";
import { type Asked, addRepositoryPages } from "./git-pages.ts";
import { accountOf, addGit, type GitAccount, type GitWorld, openGitWorld } from "./git-server.ts";
import type { GitStore } from "./git-store.ts";
import {
  addPullRequest,
  closePullRequest,
  type LabPullRequest,
  mergePullRequest,
  type PullRequestState,
  pullRequestsOf,
} from "./pull-requests.ts";

export type GithubOptions = FakeServerOptions & {
  readonly accounts: readonly GitAccount[];
  readonly organisations: readonly string[];
};

export type Github = FakeServer & {
  readonly seedRepository: (owner: string, name: string, folder: string) => Promise<void>;
  /** As a person who presses Merge; answers the commit. */
  readonly mergePullRequest: (owner: string, name: string, id: number) => Promise<string>;
  readonly store: GitStore;
};

type Repository = { id: number; owner: string; name: string; description: string | null; private: boolean };
type State = PullRequestState & { nextId: number; repositories: Repository[] };
type World = GitWorld<GithubOptions, State>;

const BRANCH = "main";

export async function startGithub(options: GithubOptions): Promise<Github> {
  const world: World = openGitWorld(options, (): State => ({ nextId: 1, repositories: [] }));
  const fake = await serve(options, (router) => {
    const api = new Router({ prefix: "/api/v3" });
    api.use(async (ctx, next) => {
      const account = accountOf(ctx, options.accounts);
      // As for a classic token; answers to a fine-grained one do not have this header.
      if (account) ctx.set("x-oauth-scopes", account.rights === "admin" ? "delete_repo, repo" : "read:user");
      if (account) return next();
      throw complaint(401, ctx.get("authorization") === "" ? "Requires authentication" : "Bad credentials");
    });
    addOwners(api, world);
    addRepositories(api, world);
    addContents(api, world);
    addPullRequests(api, world);
    router.use(api.routes());
    addGit(router, world.store, {
      prefix: "",
      realm: "GitHub",
      callerOf: (ctx) => gitAccountOf(ctx, world),
      find: (owner, name) => find(world, owner, name),
      says: {
        unknownCaller: "Invalid username or token.",
        noRepository: "Repository not found.",
        mayNotPush: "Write access to repository not granted.",
      },
    });
    addPages(router, world);
  });
  return {
    ...fake,
    store: world.store,
    mergePullRequest: (owner, name, id) => mergePullRequest(world, find(world, owner, name)?.id ?? 0, id),
    seedRepository: async (owner, name, folder) => {
      const found = find(world, owner, name) ?? (await add(world, owner, { name }));
      await world.store.seed(String(found.id), BRANCH, folder);
    },
  };
}

function addOwners(api: Router, world: World): void {
  api.get("/user", (ctx) => {
    ctx.body = toOwner(world, accountOf(ctx, world.options.accounts)?.user ?? "");
  });
  api.get("/users/:owner", (ctx) => {
    const { owner = "" } = ctx.params;
    if (!isOwner(world, owner)) throw complaint(404, "Not Found");
    ctx.body = toOwner(world, owner);
  });
}

function addRepositories(api: Router, world: World): void {
  const create = async (ctx: Koa.Context, owner: string): Promise<void> => {
    demand(ctx, world, "admin");
    const body = parse(
      z.object({ name: z.string().min(1), description: z.string().nullish(), private: z.boolean().optional() }),
      await readJson(ctx),
    );
    const name = body.name.replace(/[^A-Za-z0-9._-]+/g, "-");
    if (find(world, owner, name)) {
      const error = {
        resource: "Repository",
        code: "custom",
        field: "name",
        message: "name already exists on this account",
      };
      throw new Answer(422, { message: "Repository creation failed.", errors: [error], status: "422" });
    }
    const fields = { name, description: body.description ?? null, private: body.private ?? false };
    const made = await add(world, owner, fields);
    ctx.status = 201;
    ctx.body = toRepository(ctx, world, made);
  };
  api.post("/orgs/:owner/repos", (ctx) => {
    const { owner = "" } = ctx.params;
    if (!world.options.organisations.includes(owner)) throw complaint(404, "Not Found");
    return create(ctx, owner);
  });
  api.post("/user/repos", (ctx) => create(ctx, accountOf(ctx, world.options.accounts)?.user ?? ""));
  api.get("/orgs/:owner/repos", (ctx) => {
    const own = world.state.repositories.filter((one) => one.owner === ctx.params.owner);
    ctx.body = pageOf(
      ctx,
      own.map((one) => toRepository(ctx, world, one)),
    );
  });
  api.get("/repos/:owner/:name", (ctx) => {
    ctx.body = toRepository(ctx, world, need(ctx, world));
  });
  api.patch("/repos/:owner/:name", async (ctx) => {
    demand(ctx, world, "admin");
    const repository = need(ctx, world);
    const body = parse(z.object({ description: z.string().nullish() }), await readJson(ctx));
    repository.description = body.description ?? repository.description;
    world.save();
    ctx.body = toRepository(ctx, world, repository);
  });
  api.delete("/repos/:owner/:name", async (ctx) => {
    demand(ctx, world, "admin");
    const repository = need(ctx, world);
    world.state.repositories = world.state.repositories.filter((one) => one !== repository);
    world.save();
    await world.store.remove(String(repository.id));
    ctx.status = 204;
  });
}

function addContents(api: Router, world: World): void {
  api.get("/repos/:owner/:name/branches", async (ctx) => {
    const branches = await world.store.branches(String(need(ctx, world).id));
    ctx.body = pageOf(
      ctx,
      branches.map(({ name, commit }) => ({ name, commit: { sha: commit }, protected: false })),
    );
  });
  api.get("/repos/:owner/:name/commits", async (ctx) => {
    const commits = await world.store.commits(String(need(ctx, world).id), BRANCH, 1_000);
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
    const content = await world.store.file(String(need(ctx, world).id), ref, path);
    if (content === undefined) throw complaint(404, "Not Found");
    ctx.body = { type: "file", path, encoding: "base64", content: content.toString("base64") };
  });
}

function addPullRequests(api: Router, world: World): void {
  const needOne = (ctx: Asked): LabPullRequest => {
    const found = pullRequestsOf(world, need(ctx, world).id).find((one) => String(one.id) === ctx.params.number);
    if (!found) throw complaint(404, "Not Found");
    return found;
  };
  api.get("/repos/:owner/:name/pulls", (ctx) => {
    const all = pullRequestsOf(world, need(ctx, world).id).filter(
      (one) => one.to === (ctx.query.base ?? one.to) && (ctx.query.state === "all" || one.state === "open"),
    );
    ctx.body = pageOf(
      ctx,
      all.toReversed().map((one) => toPullRequest(ctx, one)),
    );
  });
  api.post("/repos/:owner/:name/pulls", async (ctx) => {
    demand(ctx, world, "admin");
    const body = parse(
      z.object({ title: z.string(), head: z.string(), base: z.string(), body: z.string().nullish() }),
      await readJson(ctx),
    );
    const wish = { title: body.title, description: body.body ?? "", from: body.head, to: body.base };
    const made = await addPullRequest(world, need(ctx, world).id, wish);
    if (typeof made === "string") {
      const message =
        made === "duplicate"
          ? `A pull request already exists for ${ctx.params.owner}:${body.head}.`
          : "head is invalid";
      const errors = [{ resource: "PullRequest", code: "custom", message }];
      throw new Answer(422, { message: "Validation Failed", errors, status: "422" });
    }
    ctx.status = 201;
    ctx.body = toPullRequest(ctx, made);
  });
  api.get("/repos/:owner/:name/pulls/:number", (ctx) => {
    ctx.body = toPullRequest(ctx, needOne(ctx));
  });
  api.patch("/repos/:owner/:name/pulls/:number", async (ctx) => {
    demand(ctx, world, "admin");
    const one = needOne(ctx);
    const { state } = parse(z.object({ state: z.enum(["open", "closed"]).optional() }), await readJson(ctx));
    if (state === "closed" && one.state === "open") closePullRequest(world, one);
    ctx.body = toPullRequest(ctx, one);
  });
}

function toPullRequest(ctx: Koa.Context, one: LabPullRequest) {
  return {
    number: one.id,
    html_url: `${originOf(ctx)}/${ctx.params.owner}/${ctx.params.name}/pull/${one.id}`,
    title: one.title,
    body: one.description,
    state: one.state === "open" ? "open" : "closed",
    merged_at: one.state === "merged" ? "2026-01-01T00:00:00Z" : null,
    // An open one has the commit of a trial merge here.
    merge_commit_sha: one.mergeCommit ?? "0".repeat(40),
    head: { ref: one.from },
    base: { ref: one.to },
  };
}

/** GitHub takes any user name beside a token. */
function gitAccountOf(ctx: Koa.Context, { options }: World): GitAccount | undefined {
  const [, value = ""] = ctx.get("authorization").split(" ", 2);
  const [user = ""] = Buffer.from(value, "base64").toString("utf8").split(":", 1);
  return accountOf(ctx, options.accounts, [user]);
}

function addPages(router: Router, world: World): void {
  const addresses = {
    repository: "/:owner/:name",
    file: "/:owner/:name/blob/:branch/*path",
    commit: "/:owner/:name/commit/:commit",
  };
  addRepositoryPages(router, addresses, (ctx) => {
    const { id, owner, name } = need(ctx, world);
    const base = `${originOf(ctx)}/${owner}/${name}`;
    return {
      system: "GitHub",
      title: `${owner} / ${name}`,
      store: world.store,
      id: String(id),
      branch: BRANCH,
      fileUrl: (file) => `${base}/blob/${BRANCH}/${file}`,
      commitUrl: (commit) => `${base}/commit/${commit}`,
    };
  });
}

function isOwner(world: World, owner: string): boolean {
  return world.options.organisations.includes(owner) || world.options.accounts.some((one) => one.user === owner);
}

function toOwner(world: World, login: string) {
  return { login, id: 1, type: world.options.organisations.includes(login) ? "Organization" : "User" };
}

function find(world: World, owner: string, name: string): Repository | undefined {
  const [wantedOwner, wantedName] = [owner.toLowerCase(), name.toLowerCase()];
  return world.state.repositories.find(
    (one) => one.owner.toLowerCase() === wantedOwner && one.name.toLowerCase() === wantedName,
  );
}

function need(ctx: Asked, world: World): Repository {
  const found = find(world, ctx.params.owner ?? "", ctx.params.name ?? "");
  if (!found) throw complaint(404, "Not Found");
  return found;
}

async function add(world: World, owner: string, wish: { name: string } & Partial<Repository>): Promise<Repository> {
  const repository = { id: world.state.nextId++, owner, description: null, private: true, ...wish };
  await world.store.create(String(repository.id), BRANCH);
  world.state.repositories.push(repository);
  world.save();
  return repository;
}

function toRepository(ctx: Koa.Context, world: World, one: Repository) {
  const full = `${one.owner}/${one.name}`;
  return {
    id: one.id,
    name: one.name,
    full_name: full,
    owner: toOwner(world, one.owner),
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

function demand(ctx: Koa.Context, world: World, rights: GitAccount["rights"]): void {
  if (accountOf(ctx, world.options.accounts)?.rights === rights) return;
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
