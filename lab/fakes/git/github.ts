// Fake GitHub (its Enterprise Server address scheme: /api/v3): owners and repositories over REST, real git over
// HTTP. Its traps are the real one's: "exists" is a 422 among other 422s, what the token may not see is a 404, and a rate
// limit is a 403.

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
const SIZE = { name: "per_page", default: 30, max: 100 };

export async function startGithub(options: OwnedOptions): Promise<OwnedHost> {
  const fake = openOwned(options);
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
    addStatuses(api, fake);
    router.use(api.routes());
    addGit(router, fake.store, {
      prefix: "",
      realm: "GitHub",
      callerOf: (ctx) => gitAccountOf(ctx, fake),
      find: (owner, name) => findOwned(fake, owner, name),
      says: {
        unknownCaller: "Invalid username or token.",
        noRepository: "Repository not found.",
        mayNotPush: "Write access to repository not granted.",
      },
    });
    addPages(router, fake);
  });
  return ownedHost(fake, server, "error: GH006: Protected branch update failed for refs/heads/$branch.");
}

function addOwners(api: Router, fake: FakeOwned): void {
  api.get("/user", (ctx) => {
    ctx.body = toOwner(fake, accountOf(ctx, fake.options.accounts)?.user ?? "");
  });
  api.get("/users/:owner", (ctx) => {
    const { owner = "" } = ctx.params;
    if (!isOrganisation(fake, owner) && !isPerson(fake, owner)) throw complaint(404, "Not Found");
    ctx.body = toOwner(fake, owner);
  });
}

function addRepositories(api: Router, fake: FakeOwned): void {
  const create = async (ctx: Koa.Context, owner: string): Promise<void> => {
    demand(ctx, fake, "admin");
    const body = parse(
      z.object({ name: z.string().min(1), description: z.string().nullish(), private: z.boolean().optional() }),
      await readJson(ctx),
    );
    const name = body.name.replace(/[^A-Za-z0-9._-]+/g, "-");
    if (findOwned(fake, owner, name)) {
      const error = {
        resource: "Repository",
        code: "custom",
        field: "name",
        message: "name already exists on this account",
      };
      throw new Answer(422, { message: "Repository creation failed.", errors: [error], status: "422" });
    }
    const fields = { name, description: body.description ?? null, private: body.private ?? false };
    const made = await addOwned(fake, owner, fields);
    ctx.status = 201;
    ctx.body = toRepository(ctx, fake, made);
  };
  api.post("/orgs/:owner/repos", (ctx) => {
    const { owner = "" } = ctx.params;
    if (!isOrganisation(fake, owner)) throw complaint(404, "Not Found");
    return create(ctx, owner);
  });
  api.post("/user/repos", (ctx) => create(ctx, accountOf(ctx, fake.options.accounts)?.user ?? ""));
  api.get("/orgs/:owner/repos", (ctx) => {
    const own = fake.state.repositories.filter((one) => one.owner === ctx.params.owner);
    ctx.body = pageOf(
      ctx,
      own.map((one) => toRepository(ctx, fake, one)),
      SIZE,
    );
  });
  api.get("/user/repos", (ctx) => {
    const user = accountOf(ctx, fake.options.accounts)?.user;
    const own = fake.state.repositories.filter((one) => one.owner === user);
    ctx.body = pageOf(
      ctx,
      own.map((one) => toRepository(ctx, fake, one)),
      SIZE,
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
    await removeOwned(fake, repository);
    ctx.status = 204;
  });
}

function addContents(api: Router, fake: FakeOwned): void {
  api.get("/repos/:owner/:name/branches", async (ctx) => {
    const branches = await fake.store.branches(String(need(ctx, fake).id));
    ctx.body = pageOf(
      ctx,
      branches.map(({ name, commit }) => ({ name, commit: { sha: commit }, protected: false })),
      SIZE,
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
    ctx.body = pageOf(ctx, values, SIZE);
  });
  api.get("/repos/:owner/:name/contents/*path", async (ctx) => {
    const { path = "" } = ctx.params;
    const ref = typeof ctx.query.ref === "string" ? ctx.query.ref : BRANCH;
    const content = await fake.store.file(String(need(ctx, fake).id), ref, path);
    if (content === undefined) throw complaint(404, "Not Found");
    ctx.body = { type: "file", path, encoding: "base64", content: content.toString("base64") };
  });
}

function addPullRequests(api: Router, fake: FakeOwned): void {
  const needOne = (ctx: Asked): LabPullRequest => {
    const found = pullRequestsOf(fake, need(ctx, fake).id).find((one) => String(one.id) === ctx.params.number);
    if (!found) throw complaint(404, "Not Found");
    return found;
  };
  api.get("/repos/:owner/:name/pulls", async (ctx) => {
    const all = pullRequestsOf(fake, need(ctx, fake).id).filter(
      (one) => one.to === (ctx.query.base ?? one.to) && (ctx.query.state === "all" || one.state === "open"),
    );
    ctx.body = pageOf(ctx, await Promise.all(all.toReversed().map((one) => toPullRequest(ctx, fake, one))), SIZE);
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
    if (merged === "conflict") throw complaint(405, "Pull Request is not mergeable");
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

function addStatuses(api: Router, fake: FakeOwned): void {
  api.post("/repos/:owner/:name/statuses/:commit", async (ctx) => {
    demand(ctx, fake, "admin");
    const { id: repository } = need(ctx, fake);
    const { commit = "" } = ctx.params;
    const body = parse(
      z.object({
        state: z.enum(["error", "failure", "pending", "success"]),
        target_url: z.string().nullish(),
        description: z.string().max(140).nullish(),
        context: z.string().default("default"),
      }),
      await readJson(ctx),
    );
    const { state, context: name } = body;
    const status = { repository, commit, name, state, url: body.target_url ?? "", description: body.description ?? "" };
    if (!(await addStatus(fake, status))) throw complaint(422, `No commit found for SHA: ${commit}`);
    ctx.status = 201;
    ctx.body = { id: 1, state, target_url: status.url, description: status.description, context: name };
  });
}

async function toPullRequest(ctx: Koa.Context, fake: FakeOwned, one: LabPullRequest) {
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
    mergeable: one.conflicts ? false : null,
    head: { ref: one.from, sha: (await headOf(fake, one)) ?? "0".repeat(40), repo: { id: sourceOf(one) } },
    base: { ref: one.to, repo: { id: one.repository } },
  };
}

/** GitHub takes any user name beside a token. */
function gitAccountOf(ctx: Koa.Context, { options }: FakeOwned): GitAccount | undefined {
  const [, value = ""] = ctx.get("authorization").split(" ", 2);
  const [user = ""] = Buffer.from(value, "base64").toString("utf8").split(":", 1);
  return accountOf(ctx, options.accounts, [user]);
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
      system: "GitHub",
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

function toOwner(fake: FakeOwned, login: string) {
  return { login, id: 1, type: isOrganisation(fake, login) ? "Organization" : "User" };
}

function need(ctx: Asked, fake: FakeOwned): OwnedRepository {
  const found = findOwned(fake, ctx.params.owner ?? "", ctx.params.name ?? "");
  if (!found) throw complaint(404, "Not Found");
  return found;
}

function toRepository(ctx: Koa.Context, fake: FakeOwned, one: OwnedRepository) {
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

function demand(ctx: Koa.Context, fake: FakeOwned, rights: GitAccount["rights"]): void {
  if (accountOf(ctx, fake.options.accounts)?.rights === rights) return;
  throw complaint(403, "Resource not accessible by personal access token");
}

function parse<T>(schema: z.core.$ZodType<T>, body: unknown): T {
  const checked = z.safeParse(schema, body);
  if (checked.success) return checked.data;
  throw complaint(422, "Validation Failed");
}

function complaint(status: number, message: string): Answer {
  return new Answer(status, { message, documentation_url: "https://docs.github.com/rest", status: String(status) });
}
