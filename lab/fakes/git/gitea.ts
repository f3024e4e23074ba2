// Fake Gitea: organisations and repositories over REST (/api/v1), real git over HTTP. Its traps are the real one's: the
// repositories of an organisation and those of a person are created at different addresses, a page has at most 50 entries,
// a merged pull request cannot be closed (412), and the token is the password of git.

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
  pageOf,
  removeOwned,
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

/** Pages of lists. */
const SIZE = { name: "limit", default: 30, max: 50 };

export async function startGitea(options: OwnedOptions): Promise<OwnedHost> {
  const fake = openOwned(options);
  const server = await serve(options, (router) => {
    const api = new Router({ prefix: "/api/v1" });
    api.use(async (ctx, next) => {
      if (accountOf(ctx, options.accounts)) return next();
      throw complaint(401, "invalid username, password or token");
    });
    addOwners(api, fake);
    addRepositories(api, fake);
    addPullRequests(api, fake);
    addMerging(api, fake);
    addStatuses(api, fake);
    router.use(api.routes());
    addGit(router, fake.store, {
      prefix: "",
      realm: "Gitea",
      callerOf: (ctx) => accountOf(ctx, options.accounts, [userOf(ctx)]),
      find: (owner, name) => findOwned(fake, owner, name),
      says: {
        unknownCaller: "Unauthorized",
        noRepository: "Repository not found",
        mayNotPush: "User permission denied for writing.",
      },
    });
    addPages(router, fake);
  });
  return ownedHost(fake, server, "Gitea: Not allowed to push to protected branch $branch");
}

function addOwners(api: Router, fake: FakeOwned): void {
  api.get("/user", (ctx) => {
    ctx.body = toUser(accountOf(ctx, fake.options.accounts)?.user ?? "");
  });
  api.get("/users/:user/orgs/:org/permissions", (ctx) => {
    const { user, org = "" } = ctx.params;
    const account = fake.options.accounts.find((one) => one.user === user);
    if (!account || !isOrganisation(fake, org)) throw notFound();
    const isAdmin = account.rights === "admin";
    ctx.body = {
      can_create_repository: isAdmin,
      can_read: true,
      can_write: account.rights !== "read",
      is_admin: isAdmin,
      is_owner: isAdmin,
    };
  });
}

function addRepositories(api: Router, fake: FakeOwned): void {
  const create = async (ctx: Koa.Context, owner: string): Promise<void> => {
    const body = parse(
      z.object({ name: z.string().min(1), description: z.string().optional(), private: z.boolean().optional() }),
      await readJson(ctx),
    );
    if (!/^[-.\w]+$/.test(body.name)) throw complaint(422, `name is invalid: ${body.name}`);
    if (findOwned(fake, owner, body.name)) throw complaint(409, "The repository with the same name already exists.");
    const { name, description = "", private: isPrivate = false } = body;
    const made = await addOwned(fake, owner, { name, description, private: isPrivate });
    ctx.status = 201;
    ctx.body = toRepository(ctx, made);
  };
  api.post("/orgs/:org/repos", async (ctx) => {
    const { org = "" } = ctx.params;
    if (!isOrganisation(fake, org)) throw notFound();
    demand(ctx, fake, "admin");
    await create(ctx, org);
  });
  api.post("/user/repos", (ctx) => create(ctx, accountOf(ctx, fake.options.accounts)?.user ?? ""));
  const list = (ctx: Koa.Context, owner: string): void => {
    const own = fake.state.repositories.filter((one) => one.owner === owner);
    ctx.body = pageOf(
      ctx,
      own.map((one) => toRepository(ctx, one)),
      SIZE,
    );
  };
  api.get("/orgs/:org/repos", (ctx) => {
    const { org = "" } = ctx.params;
    if (!isOrganisation(fake, org)) throw notFound();
    list(ctx, org);
  });
  api.get("/users/:user/repos", (ctx) => {
    const { user = "" } = ctx.params;
    if (!isPerson(fake, user)) throw notFound();
    list(ctx, user);
  });
  api.get("/repos/:owner/:name", (ctx) => {
    ctx.body = toRepository(ctx, need(ctx, fake));
  });
  api.patch("/repos/:owner/:name", async (ctx) => {
    demand(ctx, fake, "admin");
    const repository = need(ctx, fake);
    const body = parse(z.object({ description: z.string().optional() }), await readJson(ctx));
    repository.description = body.description ?? repository.description;
    fake.save();
    ctx.body = toRepository(ctx, repository);
  });
  api.delete("/repos/:owner/:name", async (ctx) => {
    demand(ctx, fake, "admin");
    await removeOwned(fake, need(ctx, fake));
    ctx.status = 204;
  });
  api.get("/repos/:owner/:name/branches", async (ctx) => {
    const branches = await fake.store.branches(String(need(ctx, fake).id));
    ctx.body = pageOf(
      ctx,
      branches.map(({ name, commit }) => ({ name, commit: { id: commit }, protected: false })),
      SIZE,
    );
  });
}

function addPullRequests(api: Router, fake: FakeOwned): void {
  const needOne = (ctx: Asked): LabPullRequest => {
    const found = pullRequestsOf(fake, need(ctx, fake).id).find((one) => String(one.id) === ctx.params.index);
    if (!found) throw notFound();
    return found;
  };
  api.get("/repos/:owner/:name/pulls", async (ctx) => {
    const all = pullRequestsOf(fake, need(ctx, fake).id).filter(
      (one) => one.to === (ctx.query.base_branch ?? one.to) && (ctx.query.state === "all" || one.state === "open"),
    );
    ctx.body = pageOf(ctx, await Promise.all(all.toReversed().map((one) => toPullRequest(ctx, fake, one))), SIZE);
  });
  api.post("/repos/:owner/:name/pulls", async (ctx) => {
    const repository = need(ctx, fake);
    demand(ctx, fake, "admin");
    const body = parse(
      z.object({ title: z.string(), head: z.string(), base: z.string(), body: z.string().optional() }),
      await readJson(ctx),
    );
    const fields = { title: body.title, description: body.body ?? "", from: body.head, to: body.base };
    const made = await addPullRequest(fake, repository.id, fields);
    if (made === "duplicate") throw complaint(409, "pull request already exists for these targets");
    if (made === "no-branch") throw notFound();
    ctx.status = 201;
    ctx.body = await toPullRequest(ctx, fake, made);
  });
  api.get("/repos/:owner/:name/pulls/:index", async (ctx) => {
    ctx.body = await toPullRequest(ctx, fake, needOne(ctx));
  });
  api.patch("/repos/:owner/:name/pulls/:index", async (ctx) => {
    const one = needOne(ctx);
    demand(ctx, fake, "admin");
    const { state } = parse(z.object({ state: z.enum(["open", "closed"]).optional() }), await readJson(ctx));
    if (state !== undefined && one.state === "merged")
      throw complaint(412, "cannot change state of this pull request, it was already merged");
    if (state === "closed" && one.state === "open") closePullRequest(fake, one);
    ctx.status = 201;
    ctx.body = await toPullRequest(ctx, fake, one);
  });
}

function addMerging(api: Router, fake: FakeOwned): void {
  api.post("/repos/:owner/:name/pulls/:index/merge", async (ctx) => {
    const one = pullRequestsOf(fake, need(ctx, fake).id).find(({ id }) => String(id) === ctx.params.index);
    if (!one) throw notFound();
    demand(ctx, fake, "admin");
    const body = parse(
      z.object({ Do: z.literal("merge"), head_commit_id: z.string().optional() }),
      await readJson(ctx),
    );
    if (one.state !== "open") throw complaint(405, "");
    if (body.head_commit_id !== undefined && body.head_commit_id !== (await headOf(fake, one)))
      throw complaint(409, "head out of date");
    const merged = await mergeByRules(fake, one);
    if (merged === "conflict") throw complaint(409, "merge conflict");
    if (merged !== "merged") throw complaint(405, "Does not have enough approvals");
    ctx.status = 200;
    ctx.body = "";
  });
  api.get("/repos/:owner/:name/commits/:ref/status", (ctx) => {
    const words = { running: "pending", passed: "success", failed: "failure" } as const;
    const all = checksOf(fake, need(ctx, fake).id, ctx.params.ref);
    const statuses = all.map(({ name, state, url }) => ({ context: name, status: words[state], target_url: url }));
    ctx.body = { state: "pending", sha: ctx.params.ref, total_count: statuses.length, statuses };
  });
}

function addStatuses(api: Router, fake: FakeOwned): void {
  api.post("/repos/:owner/:name/statuses/:commit", async (ctx) => {
    const { id: repository } = need(ctx, fake);
    demand(ctx, fake, "admin");
    const { commit = "" } = ctx.params;
    const body = parse(
      z.object({
        state: z.enum(["pending", "success", "error", "failure", "warning"]),
        target_url: z.string().optional(),
        description: z.string().optional(),
        context: z.string().optional(),
      }),
      await readJson(ctx),
    );
    const { state, context: name = "default", target_url: url = "", description = "" } = body;
    if (!(await addStatus(fake, { repository, commit, name, state, url, description }))) throw notFound();
    ctx.status = 201;
    ctx.body = { id: 1, status: state, context: name, target_url: url, description };
  });
}

function addPages(router: Router, fake: FakeOwned): void {
  const addresses = {
    repository: "/:owner/:name",
    file: "/:owner/:name/src/:kind/:revision/*path",
    commit: "/:owner/:name/commit/:commit",
  };
  addRepositoryPages(router, addresses, (ctx) => {
    const { id, owner, name } = need(ctx, fake);
    const base = `${originOf(ctx)}/${owner}/${name}`;
    return {
      system: "Gitea",
      title: `${owner} / ${name}`,
      store: fake.store,
      id: String(id),
      branch: BRANCH,
      fileUrl: (file) => `${base}/src/branch/${BRANCH}/${file}`,
      commitUrl: (commit) => `${base}/commit/${commit}`,
      statusesOf: (commit) => statusesOf(fake, id, commit),
    };
  });
}

/** Any user name goes with a token as the password. */
function userOf(ctx: Koa.Context): string {
  const [, value = ""] = ctx.get("authorization").split(" ", 2);
  return Buffer.from(value, "base64").toString("utf8").split(":", 1)[0] ?? "";
}

function toUser(login: string) {
  return { id: 1, login, full_name: "", email: `${login}@example.test` };
}

function toRepository(ctx: Koa.Context, one: OwnedRepository) {
  const full = `${one.owner}/${one.name}`;
  return {
    id: one.id,
    name: one.name,
    full_name: full,
    owner: toUser(one.owner),
    description: one.description ?? "",
    private: one.private,
    default_branch: BRANCH,
    html_url: `${originOf(ctx)}/${full}`,
    clone_url: `${originOf(ctx)}/${full}.git`,
  };
}

async function toPullRequest(ctx: Koa.Context, fake: FakeOwned, one: LabPullRequest) {
  const sha = await headOf(fake, one);
  return {
    id: one.id,
    number: one.id,
    html_url: `${originOf(ctx)}/${ctx.params.owner}/${ctx.params.name}/pulls/${one.id}`,
    title: one.title,
    body: one.description,
    state: one.state === "open" ? "open" : "closed",
    merged: one.state === "merged",
    ...(one.mergeCommit === undefined ? {} : { merge_commit_sha: one.mergeCommit }),
    head: { label: one.from, ref: one.from, sha: sha ?? "", repo_id: sourceOf(one) },
    base: { label: one.to, ref: one.to, repo_id: one.repository },
  };
}

function need(ctx: Asked, fake: FakeOwned): OwnedRepository {
  const found = findOwned(fake, ctx.params.owner ?? "", ctx.params.name ?? "");
  if (!found) throw notFound();
  return found;
}

function demand(ctx: Koa.Context, fake: FakeOwned, rights: GitAccount["rights"]): void {
  if (accountOf(ctx, fake.options.accounts)?.rights === rights) return;
  throw complaint(403, "Given user is not allowed to do this");
}

function parse<T>(schema: z.core.$ZodType<T>, body: unknown): T {
  const checked = z.safeParse(schema, body);
  if (checked.success) return checked.data;
  throw complaint(422, "Validation failed");
}

function notFound(): Answer {
  return new Answer(404, {
    errors: [],
    message: "The target couldn't be found.",
    url: "https://gitea.test/api/swagger",
  });
}

function complaint(status: number, message: string): Answer {
  return new Answer(status, { message, url: "https://gitea.test/api/swagger" });
}
