// Fake Gitee: organisations and repositories over REST (/api/v5), real git over HTTP. Its traps are the real one's: "exists"
// is a 422 with a sentence in Chinese, a change needs the name again, a pull request does not say which commit it became,
// and commits have check runs in place of statuses.

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
const SIZE = { name: "per_page", default: 20, max: 100 };

export async function startGitee(options: OwnedOptions): Promise<OwnedHost> {
  const fake = openOwned(options);
  const server = await serve(options, (router) => {
    const api = new Router({ prefix: "/api/v5" });
    api.use(async (ctx, next) => {
      if (callerOf(ctx, fake)) return next();
      throw complaint(401, "401 Unauthorized: Access token does not exist");
    });
    addOwners(api, fake);
    addRepositories(api, fake);
    addPullRequests(api, fake);
    addMerging(api, fake);
    addCheckRuns(api, fake);
    router.use(api.routes());
    addGit(router, fake.store, {
      prefix: "",
      realm: "Gitee",
      callerOf: (ctx) => accountOf(ctx, options.accounts, ["oauth2"]),
      find: (owner, name) => findOwned(fake, owner, name),
      says: {
        unknownCaller: "Incorrect username or password (access token)",
        noRepository: "Repository not found",
        mayNotPush: "You do not have permission to push to the repository",
      },
    });
    addPages(router, fake);
  });
  return ownedHost(fake, server, "error: GE005: the branch $branch is protected");
}

/** A token comes in the header or as the parameter `access_token`. */
function callerOf(ctx: Koa.Context, { options }: FakeOwned): GitAccount | undefined {
  const byParameter = options.accounts.find(({ token }) => token === ctx.query.access_token);
  return byParameter ?? accountOf(ctx, options.accounts);
}

function addOwners(api: Router, fake: FakeOwned): void {
  api.get("/user", (ctx) => {
    ctx.body = { id: 1, login: callerOf(ctx, fake)?.user, name: "" };
  });
  api.get("/orgs/:org/memberships/:user", (ctx) => {
    const { org = "", user } = ctx.params;
    const account = fake.options.accounts.find((one) => one.user === user);
    if (!account || !isOrganisation(fake, org)) throw complaint(404, "Not Found");
    ctx.body = { active: true, role: account.rights === "admin" ? "admin" : "member" };
  });
}

function addRepositories(api: Router, fake: FakeOwned): void {
  const create = async (ctx: Koa.Context, owner: string): Promise<void> => {
    const body = parse(
      z.object({
        name: z.string().min(1),
        path: z.string().regex(/^[A-Za-z][\w.-]*$/),
        description: z.string().optional(),
        private: z.boolean().default(true),
      }),
      await readJson(ctx),
    );
    if (findOwned(fake, owner, body.path)) throw new Answer(422, { error: { base: ["已存在同地址仓库(忽略大小写)"] } });
    const fields = { name: body.path, description: body.description ?? null, private: body.private };
    const made = await addOwned(fake, owner, fields);
    ctx.status = 201;
    ctx.body = toRepository(ctx, made);
  };
  api.post("/orgs/:org/repos", async (ctx) => {
    const { org = "" } = ctx.params;
    if (!isOrganisation(fake, org)) throw complaint(404, "Not Found");
    demand(ctx, fake, "admin");
    await create(ctx, org);
  });
  api.post("/user/repos", (ctx) => create(ctx, callerOf(ctx, fake)?.user ?? ""));
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
    if (!isOrganisation(fake, org)) throw complaint(404, "Not Found");
    list(ctx, org);
  });
  api.get("/users/:user/repos", (ctx) => {
    const { user = "" } = ctx.params;
    if (!isPerson(fake, user)) throw complaint(404, "Not Found");
    list(ctx, user);
  });
  api.get("/repos/:owner/:name", (ctx) => {
    ctx.body = toRepository(ctx, need(ctx, fake));
  });
  api.patch("/repos/:owner/:name", async (ctx) => {
    const repository = need(ctx, fake);
    demand(ctx, fake, "admin");
    const body = parse(z.object({ name: z.string(), description: z.string().optional() }), await readJson(ctx));
    repository.description = body.description ?? repository.description;
    fake.save();
    ctx.body = toRepository(ctx, repository);
  });
  api.delete("/repos/:owner/:name", async (ctx) => {
    const repository = need(ctx, fake);
    demand(ctx, fake, "admin");
    await removeOwned(fake, repository);
    ctx.status = 204;
  });
  api.get("/repos/:owner/:name/branches", async (ctx) => {
    const branches = await fake.store.branches(String(need(ctx, fake).id));
    ctx.body = pageOf(
      ctx,
      branches.map(({ name, commit }) => ({ name, commit: { sha: commit }, protected: false })),
      SIZE,
    );
  });
}

function addPullRequests(api: Router, fake: FakeOwned): void {
  const needOne = (ctx: Asked): LabPullRequest => {
    const found = pullRequestsOf(fake, need(ctx, fake).id).find((one) => String(one.id) === ctx.params.number);
    if (!found) throw complaint(404, "Not Found");
    return found;
  };
  api.get("/repos/:owner/:name/pulls", async (ctx) => {
    const { base, state = "open" } = ctx.query;
    const found = pullRequestsOf(fake, need(ctx, fake).id).filter(
      (one) => one.to === (base ?? one.to) && (state === "all" || one.state === state),
    );
    ctx.body = pageOf(ctx, await Promise.all(found.toReversed().map((one) => toPullRequest(ctx, fake, one))), SIZE);
  });
  api.post("/repos/:owner/:name/pulls", async (ctx) => {
    const repository = need(ctx, fake);
    demand(ctx, fake, "admin");
    const body = parse(
      z.object({ title: z.string().min(1), head: z.string(), base: z.string(), body: z.string().optional() }),
      await readJson(ctx),
    );
    const fields = { title: body.title, description: body.body ?? "", from: body.head, to: body.base };
    const made = await addPullRequest(fake, repository.id, fields);
    if (made === "duplicate") throw complaint(400, "不能创建pull request，已存在相同源分支、目标分支的 Pull Request");
    if (made === "no-branch") throw complaint(400, "源分支不存在");
    ctx.status = 201;
    ctx.body = await toPullRequest(ctx, fake, made);
  });
  api.get("/repos/:owner/:name/pulls/:number", async (ctx) => {
    ctx.body = await toPullRequest(ctx, fake, needOne(ctx));
  });
  api.patch("/repos/:owner/:name/pulls/:number", async (ctx) => {
    const one = needOne(ctx);
    demand(ctx, fake, "admin");
    const { state } = parse(z.object({ state: z.enum(["open", "closed"]).optional() }), await readJson(ctx));
    if (state === "closed" && one.state === "open") closePullRequest(fake, one);
    ctx.body = await toPullRequest(ctx, fake, one);
  });
}

function addMerging(api: Router, fake: FakeOwned): void {
  api.put("/repos/:owner/:name/pulls/:number/merge", async (ctx) => {
    const one = pullRequestsOf(fake, need(ctx, fake).id).find(({ id }) => String(id) === ctx.params.number);
    if (!one) throw complaint(404, "Not Found");
    demand(ctx, fake, "admin");
    if (one.state !== "open") throw complaint(405, "Pull Request 已合并或关闭");
    const merged = await mergeByRules(fake, one);
    if (merged === "conflict") throw complaint(400, "Pull Request 存在冲突 (conflict)");
    if (merged !== "merged") throw complaint(400, "此 Pull Request 未通过设置的审查 (needs approval)");
    ctx.body = { sha: one.mergeCommit, merged: true, message: "Pull Request 已成功合并" };
  });
  api.get("/repos/:owner/:name/commits/:ref/check-runs", (ctx) => {
    const all = checksOf(fake, need(ctx, fake).id, ctx.params.ref);
    const runs = all.map(({ name, state, url }, at) => ({
      id: at + 1,
      name,
      status: state === "running" ? "in_progress" : "completed",
      conclusion: state === "running" ? null : state === "passed" ? "success" : "failure",
      details_url: url,
    }));
    ctx.body = { total_count: runs.length, check_runs: runs };
  });
}

function addCheckRuns(api: Router, fake: FakeOwned): void {
  api.post("/repos/:owner/:name/check-runs", async (ctx) => {
    const { id: repository } = need(ctx, fake);
    demand(ctx, fake, "admin");
    const body = parse(
      z.object({
        name: z.string().min(1),
        head_sha: z.string().regex(/^[0-9a-f]{40}$/),
        details_url: z.string().optional(),
        status: z.enum(["queued", "in_progress", "completed"]).default("queued"),
        conclusion: z.enum(["success", "failure", "neutral", "cancelled", "skipped", "timed_out"]).optional(),
        output: z.object({ title: z.string(), summary: z.string() }).optional(),
      }),
      await readJson(ctx),
    );
    const { head_sha: commit, name, details_url: url = "", output } = body;
    const state = body.conclusion ?? body.status;
    if (!(await addStatus(fake, { repository, commit, name, state, url, description: output?.summary ?? "" })))
      throw complaint(404, "Commit Not Found");
    ctx.status = 201;
    ctx.body = { id: 1, ...body };
  });
}

function addPages(router: Router, fake: FakeOwned): void {
  const addresses = {
    repository: "/:owner/:name",
    file: "/:owner/:name/blob/:revision/*path",
    commit: "/:owner/:name/commit/:commit",
  };
  addRepositoryPages(router, addresses, (ctx) => {
    const { id, owner, name } = need(ctx, fake);
    const base = `${originOf(ctx)}/${owner}/${name}`;
    return {
      system: "Gitee",
      title: `${owner} / ${name}`,
      store: fake.store,
      id: String(id),
      branch: BRANCH,
      fileUrl: (file) => `${base}/blob/${BRANCH}/${file}`,
      commitUrl: (commit) => `${base}/commit/${commit}`,
      statusesOf: (commit) => statusesOf(fake, id, commit),
    };
  });
}

function toRepository(ctx: Koa.Context, one: OwnedRepository) {
  const full = `${one.owner}/${one.name}`;
  return {
    id: one.id,
    full_name: full,
    path: one.name,
    name: one.name,
    description: one.description,
    private: one.private,
    default_branch: BRANCH,
    html_url: `${originOf(ctx)}/${full}.git`,
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
    state: one.state,
    merged_at: one.state === "merged" ? "2026-01-01T00:00:00+08:00" : null,
    head: { label: one.from, ref: one.from, sha: sha ?? "", repo: { id: sourceOf(one) } },
    base: { label: one.to, ref: one.to, repo: { id: one.repository } },
  };
}

function need(ctx: Asked, fake: FakeOwned): OwnedRepository {
  const found = findOwned(fake, ctx.params.owner ?? "", ctx.params.name ?? "");
  if (!found) throw complaint(404, "Not Found Project");
  return found;
}

function demand(ctx: Koa.Context, fake: FakeOwned, rights: GitAccount["rights"]): void {
  if (callerOf(ctx, fake)?.rights === rights) return;
  throw complaint(403, "Forbidden");
}

function parse<T>(schema: z.core.$ZodType<T>, body: unknown): T {
  const checked = z.safeParse(schema, body);
  if (checked.success) return checked.data;
  throw complaint(400, `${checked.error.issues.map(({ path }) => path.join(".")).join(", ")} is invalid`);
}

function complaint(status: number, message: string): Answer {
  return new Answer(status, { message });
}
