// Pull requests of the fake Bitbucket Data Center. Its trap is the real one's: a change names the version that it saw.

import type Router from "@koa/router";
import type Koa from "koa";
import { z } from "zod";
import { Answer, originOf, readJson } from "../fake-server.ts";
import { complaint, demand, type FakeBitbucketDc, needRepository, pageOf, parse } from "./bitbucket-dc-state.ts";
import type { Asked } from "./git-pages.ts";
import {
  addPullRequest,
  approvePullRequest,
  checksOf,
  closePullRequest,
  headOf,
  type LabPullRequest,
  mergeByRules,
  pullRequestsOf,
  reportCheck,
  sourceOf,
} from "./pull-requests.ts";

export function addPullRequests(router: Router, fake: FakeBitbucketDc): void {
  const path = "/projects/:key/repos/:slug/pull-requests";
  const needOne = (ctx: Asked): LabPullRequest => {
    const found = pullRequestsOf(fake, needRepository(ctx, fake).id).find((one) => String(one.id) === ctx.params.id);
    if (!found) throw complaint(404, "NoSuchPullRequestException", "There is no such pull request.");
    return found;
  };
  router.get(path, async (ctx) => {
    const { state = "OPEN", at } = ctx.query;
    const all = pullRequestsOf(fake, needRepository(ctx, fake).id).filter(
      (one) => (state === "ALL" || one.state === "open") && (at === undefined || at === `refs/heads/${one.to}`),
    );
    const page = pageOf(ctx, all.toReversed());
    ctx.body = { ...page, values: await Promise.all(page.values.map((one) => toPullRequest(ctx, fake, one))) };
  });
  router.post(path, async (ctx) => {
    demand(ctx, fake, "admin");
    const ref = z.object({ id: z.string().startsWith("refs/heads/") });
    const body = parse(
      z.object({ title: z.string(), description: z.string().optional(), fromRef: ref, toRef: ref }),
      await readJson(ctx),
    );
    const [from, to] = [body.fromRef, body.toRef].map(({ id }) => id.slice("refs/heads/".length));
    const fields = { title: body.title, description: body.description ?? "", from: from ?? "", to: to ?? "" };
    const made = await addPullRequest(fake, needRepository(ctx, fake).id, fields);
    if (made === "duplicate")
      throw complaint(
        409,
        "pull.DuplicatePullRequestException",
        "Only one pull request may be open for these branches.",
      );
    if (made === "no-branch") throw complaint(404, "NoSuchBranchException", `There is no branch ${from} or ${to}.`);
    ctx.status = 201;
    ctx.body = await toPullRequest(ctx, fake, made);
  });
  router.get(`${path}/:id`, async (ctx) => {
    ctx.body = await toPullRequest(ctx, fake, needOne(ctx));
  });
  router.post(`${path}/:id/decline`, async (ctx) => {
    demand(ctx, fake, "admin");
    const one = needOne(ctx);
    const { version } = parse(z.object({ version: z.int().optional() }), await readJson(ctx));
    if (version !== one.version)
      throw complaint(409, "pull.PullRequestOutOfDateException", "It has been changed since you looked at it.");
    closePullRequest(fake, one);
    ctx.body = await toPullRequest(ctx, fake, one);
  });
  router.post(`${path}/:id/merge`, async (ctx) => {
    demand(ctx, fake, "admin");
    const one = needOne(ctx);
    if (ctx.query.version !== String(one.version))
      throw complaint(409, "pull.PullRequestOutOfDateException", "It has been changed since you looked at it.");
    const merged = await mergeByRules(fake, one);
    if (merged !== "merged") throw refusedMerge(merged);
    ctx.body = await toPullRequest(ctx, fake, one);
  });
  router.post(`${path}/:id/approve`, (ctx) => {
    approvePullRequest(fake, needRepository(ctx, fake).id, needOne(ctx).id);
    ctx.body = { approved: true };
  });
}

/** Merge checks and conflicts are fields beside the usual ones of an error. */
function refusedMerge(why: "conflict" | { readonly approvals: number }): Answer {
  const of = (exception: string, message: string, more: object): Answer =>
    new Answer(409, {
      errors: [{ context: null, message, exceptionName: `com.atlassian.bitbucket.pull.${exception}`, ...more }],
    });
  if (why === "conflict") {
    const message = "The pull request has conflicts and cannot be merged.";
    return of("PullRequestMergeVetoedException", message, { conflicted: true, vetoes: [] });
  }
  const summaryMessage = `You need ${why.approvals} more approval before this pull request can be merged.`;
  return of("PullRequestMergeVetoedException", "One or more merge checks vetoed the merge.", {
    conflicted: false,
    vetoes: [{ summaryMessage, detailedMessage: summaryMessage }],
  });
}

/** Builds are known by their commit alone. */
export function addBuildStatus(router: Router, fake: FakeBitbucketDc): void {
  const path = "/commits/:commit";
  const toBuild = { running: "INPROGRESS", passed: "SUCCESSFUL", failed: "FAILED" } as const;
  router.get(path, (ctx) => {
    const all = fake.state.repositories.flatMap(({ id }) => checksOf(fake, id, ctx.params.commit));
    const builds = all.map(({ name, state, url }) => ({ key: name, name, state: toBuild[state], url }));
    ctx.body = pageOf(ctx, builds);
  });
  router.post(path, async (ctx) => {
    const { key, state, url } = parse(
      z.object({ key: z.string(), state: z.enum(["INPROGRESS", "SUCCESSFUL", "FAILED"]), url: z.string() }),
      await readJson(ctx),
    );
    const states = { INPROGRESS: "running", SUCCESSFUL: "passed", FAILED: "failed" } as const;
    for (const { id } of fake.state.repositories)
      reportCheck(fake, { repository: id, commit: ctx.params.commit ?? "", name: key, state: states[state], url });
    ctx.status = 204;
  });
}

async function toPullRequest(ctx: Koa.Context, fake: FakeBitbucketDc, one: LabPullRequest) {
  const states = { open: "OPEN", merged: "MERGED", closed: "DECLINED" } as const;
  const page = `${originOf(ctx)}/projects/${ctx.params.key}/repos/${ctx.params.slug}/pull-requests/${one.id}`;
  return {
    id: one.id,
    version: one.version,
    title: one.title,
    description: one.description,
    state: states[one.state],
    fromRef: {
      id: `refs/heads/${one.from}`,
      displayId: one.from,
      latestCommit: (await headOf(fake, one)) ?? "",
      repository: { id: sourceOf(one) },
    },
    toRef: { id: `refs/heads/${one.to}`, displayId: one.to, repository: { id: one.repository } },
    ...(one.mergeCommit === undefined ? {} : { properties: { mergeCommit: { id: one.mergeCommit } } }),
    links: { self: [{ href: page }] },
  };
}
