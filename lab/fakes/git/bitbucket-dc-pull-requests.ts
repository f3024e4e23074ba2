// Pull requests of the fake Bitbucket Data Center. Its trap is the real one's: a change names the version that it saw.

import type Router from "@koa/router";
import type Koa from "koa";
import { z } from "zod";
import { originOf, readJson } from "../fake-server.ts";
import { complaint, demand, type FakeBitbucketDc, needRepository, pageOf, parse } from "./bitbucket-dc-state.ts";
import type { Asked } from "./git-pages.ts";
import { addPullRequest, closePullRequest, type LabPullRequest, pullRequestsOf } from "./pull-requests.ts";

export function addPullRequests(router: Router, fake: FakeBitbucketDc): void {
  const path = "/projects/:key/repos/:slug/pull-requests";
  const needOne = (ctx: Asked): LabPullRequest => {
    const found = pullRequestsOf(fake, needRepository(ctx, fake).id).find((one) => String(one.id) === ctx.params.id);
    if (!found) throw complaint(404, "NoSuchPullRequestException", "There is no such pull request.");
    return found;
  };
  router.get(path, (ctx) => {
    const { state = "OPEN", at } = ctx.query;
    const all = pullRequestsOf(fake, needRepository(ctx, fake).id).filter(
      (one) => (state === "ALL" || one.state === "open") && (at === undefined || at === `refs/heads/${one.to}`),
    );
    const page = pageOf(ctx, all.toReversed());
    ctx.body = { ...page, values: page.values.map((one) => toPullRequest(ctx, one)) };
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
    ctx.body = toPullRequest(ctx, made);
  });
  router.get(`${path}/:id`, (ctx) => {
    ctx.body = toPullRequest(ctx, needOne(ctx));
  });
  router.post(`${path}/:id/decline`, async (ctx) => {
    demand(ctx, fake, "admin");
    const one = needOne(ctx);
    const { version } = parse(z.object({ version: z.int().optional() }), await readJson(ctx));
    if (version !== one.version)
      throw complaint(409, "pull.PullRequestOutOfDateException", "It has been changed since you looked at it.");
    closePullRequest(fake, one);
    ctx.body = toPullRequest(ctx, one);
  });
}

function toPullRequest(ctx: Koa.Context, one: LabPullRequest) {
  const states = { open: "OPEN", merged: "MERGED", closed: "DECLINED" } as const;
  const page = `${originOf(ctx)}/projects/${ctx.params.key}/repos/${ctx.params.slug}/pull-requests/${one.id}`;
  return {
    id: one.id,
    version: one.version,
    title: one.title,
    description: one.description,
    state: states[one.state],
    fromRef: { id: `refs/heads/${one.from}`, displayId: one.from },
    toRef: { id: `refs/heads/${one.to}`, displayId: one.to },
    ...(one.mergeCommit === undefined ? {} : { properties: { mergeCommit: { id: one.mergeCommit } } }),
    links: { self: [{ href: page }] },
  };
}
