// Pull requests of Gitea, for the client.

import { z } from "zod";
import { type CommitCheck, type GitHost, type PullRequest, pathOf } from "../git/host.ts";
import type { Http } from "../http.ts";
import { problemOf } from "../http-problem.ts";

const schema = z.object({
  number: z.int(),
  html_url: z.string(),
  title: z.string(),
  state: z.enum(["open", "closed"]),
  merged: z.boolean(),
  merge_commit_sha: z.string().nullish(),
  head: z.object({ ref: z.string(), sha: z.string().nullish(), repo_id: z.int() }),
  base: z.object({ ref: z.string(), repo_id: z.int() }),
});
/** Null where there is none. */
const statusesSchema = z.object({
  statuses: z.array(z.object({ context: z.string(), status: z.string(), target_url: z.string().nullish() })).nullish(),
});
type StatusBody = NonNullable<z.output<typeof statusesSchema>["statuses"]>[number];
type Methods = Pick<
  GitHost,
  "listPullRequests" | "openPullRequest" | "getPullRequest" | "closePullRequest" | "listChecks" | "mergePullRequest"
>;

/** The most that a Gitea with its usual settings gives at once. */
const PAGE_SIZE = 50;
const PAGES = [1, 2];

export function giteaPullRequests(http: Http): Methods {
  const get: Methods["getPullRequest"] = async (project, slug, id) => {
    const what = `read pull request ${id} of ${project}/${slug}`;
    return toPullRequest((await http.get(`${listPath(project, slug)}/${id}`, { schema, what })).body);
  };
  return {
    listPullRequests: async (project, slug, to) => {
      const found: PullRequest[] = [];
      for (const page of PAGES) {
        // Before 1.24, Gitea does not know `base_branch` and lists those of all branches.
        const { body } = await http.get(listPath(project, slug), {
          query: { state: "open", base_branch: to, page, limit: PAGE_SIZE },
          schema: z.array(schema),
          what: `list pull requests of ${project}/${slug}`,
        });
        found.push(...body.map(toPullRequest).filter((one) => one.to === to));
        if (body.length < PAGE_SIZE) break;
      }
      return found;
    },
    openPullRequest: async (project, slug, { title, from, to, description }) => {
      const json = { title, head: from, base: to, body: description };
      const what = `open a pull request in ${project}/${slug}`;
      return toPullRequest((await http.post(listPath(project, slug), { json, schema, what })).body);
    },
    getPullRequest: get,
    closePullRequest: async (project, slug, id) => {
      if ((await get(project, slug, id)).state !== "open") return;
      const what = `close pull request ${id} of ${project}/${slug}`;
      await http.patch(`${listPath(project, slug)}/${id}`, { json: { state: "closed" }, schema, what });
    },
    listChecks: async (project, slug, { id, head }) => {
      if (head === undefined) return [];
      const { body } = await http.get(`/repos/${pathOf(project, slug)}/commits/${pathOf(head)}/status`, {
        query: { limit: PAGE_SIZE },
        schema: statusesSchema,
        what: `read the checks of pull request ${id} of ${project}/${slug}`,
      });
      return (body.statuses ?? []).map(toCheck);
    },
    mergePullRequest: async (project, slug, { id, head }) => {
      // These names are understood by all versions; newer documents spell the first one `do`.
      const answer = await http.post(`${listPath(project, slug)}/${id}/merge`, {
        json: { Do: "merge", ...(head === undefined ? {} : { head_commit_id: head }) },
        expect: [405, 409],
        what: `merge pull request ${id} of ${project}/${slug}`,
      });
      const pullRequest = await get(project, slug, id);
      if (pullRequest.state === "merged") return { kind: "merged", pullRequest };
      if (answer.ok) return { kind: "blocked", reason: "Gitea has not merged it yet" };
      // 409: a conflict, or the head has moved. 405: a rule, or Gitea still finds out whether it can be merged.
      return { kind: answer.status === 409 ? "conflict" : "blocked", reason: problemOf(answer.body) };
    },
  };
}

function listPath(project: string, slug: string): string {
  return `/repos/${pathOf(project, slug)}/pulls`;
}

function toCheck({ context, status, target_url: url }: StatusBody): CommitCheck {
  const isGood = ["success", "warning", "skipped"].includes(status);
  return {
    name: context,
    state: isGood ? "passed" : status === "pending" ? "running" : "failed",
    url: url ?? undefined,
  };
}

function toPullRequest(body: z.output<typeof schema>): PullRequest {
  return {
    id: body.number,
    url: body.html_url,
    title: body.title,
    from: body.head.ref,
    to: body.base.ref,
    isFromFork: body.head.repo_id !== body.base.repo_id,
    state: body.merged ? "merged" : body.state,
    head: body.head.sha ?? undefined,
    mergeCommit: body.merged ? (body.merge_commit_sha ?? undefined) : undefined,
  };
}
