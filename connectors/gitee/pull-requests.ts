// Pull requests of Gitee, for the client.

import { z } from "zod";
import { type CommitCheck, type GitHost, type PullRequest, pathOf } from "../git/host.ts";
import type { Http } from "../http.ts";
import { problemOf } from "../http-problem.ts";

const schema = z.object({
  number: z.int(),
  html_url: z.string(),
  title: z.string(),
  state: z.enum(["open", "merged", "closed"]),
  /** `repo`: null when the fork is gone. */
  head: z.object({ ref: z.string(), sha: z.string().nullish(), repo: z.object({ id: z.int() }).nullish() }),
  base: z.object({ ref: z.string(), repo: z.object({ id: z.int() }) }),
});
const runSchema = z.object({
  name: z.string(),
  status: z.string(),
  conclusion: z.string().nullish(),
  details_url: z.string().nullish(),
});
/** The description of the API does not say which of the two. */
const runsSchema = z.union([z.array(runSchema), z.object({ check_runs: z.array(runSchema) })]);
type Methods = Pick<
  GitHost,
  "listPullRequests" | "openPullRequest" | "getPullRequest" | "closePullRequest" | "listChecks" | "mergePullRequest"
>;

export function giteePullRequests(http: Http): Methods {
  const get: Methods["getPullRequest"] = async (project, slug, id) => {
    const what = `read pull request ${id} of ${project}/${slug}`;
    return toPullRequest((await http.get(`${listPath(project, slug)}/${id}`, { schema, what })).body);
  };
  return {
    listPullRequests: async (project, slug, to) => {
      const { body } = await http.get(listPath(project, slug), {
        query: { state: "open", base: to, sort: "created", direction: "desc", per_page: 100 },
        schema: z.array(schema),
        what: `list pull requests of ${project}/${slug}`,
      });
      return body.map(toPullRequest);
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
      const { body } = await http.get(`/repos/${pathOf(project, slug)}/commits/${pathOf(head)}/check-runs`, {
        query: { per_page: 100 },
        schema: runsSchema,
        what: `read the checks of pull request ${id} of ${project}/${slug}`,
      });
      return (Array.isArray(body) ? body : body.check_runs).map(toCheck);
    },
    mergePullRequest: async (project, slug, { id, head, to }) => {
      const seen = await get(project, slug, id);
      if (seen.state === "merged") return { kind: "merged", pullRequest: seen };
      if (seen.head !== head || seen.to !== to)
        return { kind: "conflict", reason: "its branch got other commits, or it leads to another branch now" };
      const answer = await http.put(`${listPath(project, slug)}/${id}/merge`, {
        json: { merge_method: "merge" },
        expect: [400, 405, 409, 422],
        what: `merge pull request ${id} of ${project}/${slug}`,
      });
      const pullRequest = await get(project, slug, id);
      if (pullRequest.state === "merged") return { kind: "merged", pullRequest };
      if (answer.ok) return { kind: "blocked", reason: "Gitee has not merged it yet" };
      const reason = problemOf(answer.body);
      return { kind: answer.status === 409 || /冲突|conflict/i.test(reason) ? "conflict" : "blocked", reason };
    },
  };
}

function listPath(project: string, slug: string): string {
  return `/repos/${pathOf(project, slug)}/pulls`;
}

function toCheck({ name, status, conclusion, details_url: url }: z.output<typeof runSchema>): CommitCheck {
  const isGood = ["success", "neutral", "skipped"].includes(conclusion ?? "");
  return { name, state: status !== "completed" ? "running" : isGood ? "passed" : "failed", url: url ?? undefined };
}

/** Gitee does not say which commit a merge made. */
function toPullRequest(body: z.output<typeof schema>): PullRequest {
  return {
    id: body.number,
    url: body.html_url,
    title: body.title,
    from: body.head.ref,
    to: body.base.ref,
    isFromFork: body.head.repo?.id !== body.base.repo.id,
    state: body.state,
    head: body.head.sha ?? undefined,
    mergeCommit: undefined,
  };
}
