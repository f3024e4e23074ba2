// Merge requests of GitLab, for the client.

import { z } from "zod";
import { type CommitCheck, type GitHost, type PullRequest, pathOf } from "../git/host.ts";
import type { Http } from "../http.ts";
import { problemOf } from "../http-problem.ts";
import { projectPath } from "./api.ts";

const schema = z.object({
  iid: z.int(),
  web_url: z.string(),
  title: z.string(),
  /** `locked`: it is being merged. */
  state: z.enum(["opened", "locked", "merged", "closed"]),
  source_branch: z.string(),
  target_branch: z.string(),
  /** Null when the fork is gone. */
  source_project_id: z.int().nullish(),
  target_project_id: z.int(),
  merge_commit_sha: z.string().nullish(),
  squash_commit_sha: z.string().nullish(),
  /** The newest commit of the source branch. */
  sha: z.string().nullish(),
  detailed_merge_status: z.string().nullish(),
});
const statusesSchema = z.array(
  z.object({
    name: z.string(),
    status: z.string(),
    target_url: z.string().nullish(),
    allow_failure: z.boolean().nullish(),
  }),
);
type Methods = Pick<
  GitHost,
  "listPullRequests" | "openPullRequest" | "getPullRequest" | "closePullRequest" | "listChecks" | "mergePullRequest"
>;

const STATES = { opened: "open", locked: "open", merged: "merged", closed: "closed" } as const;

export function gitlabPullRequests(http: Http): Methods {
  const read = async (project: string, slug: string, id: number): Promise<z.output<typeof schema>> => {
    const what = `read merge request ${id} of ${project}/${slug}`;
    return (await http.get(`${listPath(project, slug)}/${id}`, { schema, what })).body;
  };
  const get: Methods["getPullRequest"] = async (project, slug, id) => toPullRequest(await read(project, slug, id));
  return {
    listPullRequests: async (project, slug, to) => {
      const { body } = await http.get(listPath(project, slug), {
        query: { state: "opened", target_branch: to, order_by: "created_at", sort: "desc", per_page: 100 },
        schema: z.array(schema),
        what: `list merge requests of ${project}/${slug}`,
      });
      return body.map(toPullRequest);
    },
    openPullRequest: async (project, slug, { title, from, to, description }) => {
      const json = { title, source_branch: from, target_branch: to, description };
      const what = `open a merge request in ${project}/${slug}`;
      return toPullRequest((await http.post(listPath(project, slug), { json, schema, what })).body);
    },
    getPullRequest: get,
    closePullRequest: async (project, slug, id) => {
      if ((await get(project, slug, id)).state !== "open") return;
      const what = `close merge request ${id} of ${project}/${slug}`;
      await http.put(`${listPath(project, slug)}/${id}`, { json: { state_event: "close" }, schema, what });
    },
    listChecks: async (project, slug, { id, head }) => {
      if (head === undefined) return [];
      const { body } = await http.get(`${projectPath(project, slug)}/repository/commits/${pathOf(head)}/statuses`, {
        query: { per_page: 100 },
        schema: statusesSchema,
        what: `read the checks of merge request ${id} of ${project}/${slug}`,
      });
      return body.map(toCheck);
    },
    mergePullRequest: async (project, slug, { id, head }) => {
      const answer = await http.put(`${listPath(project, slug)}/${id}/merge`, {
        json: head === undefined ? {} : { sha: head },
        schema,
        expect: [405, 406, 409, 422],
        what: `merge merge request ${id} of ${project}/${slug}`,
      });
      const after = await read(project, slug, id);
      if (after.state === "merged") return { kind: "merged", pullRequest: toPullRequest(after) };
      const status = after.detailed_merge_status ?? "";
      if (answer.ok) return { kind: "blocked", reason: `GitLab has not merged it yet (${status})` };
      // 409: the head has moved. The others cover every reason; the status tells them apart.
      const isConflict = answer.status === 409 || ["conflict", "need_rebase"].includes(status);
      return { kind: isConflict ? "conflict" : "blocked", reason: `${problemOf(answer.body)} (${status})` };
    },
  };
}

function listPath(project: string, slug: string): string {
  return `${projectPath(project, slug)}/merge_requests`;
}

const PENDING = ["created", "waiting_for_resource", "preparing", "pending", "running", "scheduled", "canceling"];

/** Manual jobs that nobody has started count as passed, as in GitLab. */
function toCheck({
  name,
  status,
  target_url: url,
  allow_failure,
}: z.output<typeof statusesSchema>[number]): CommitCheck {
  const isGood = allow_failure === true || ["success", "skipped", "manual"].includes(status);
  const state = PENDING.includes(status) ? "running" : isGood ? "passed" : "failed";
  return { name, state, url: url ?? undefined };
}

/** Which commit a merge request became depends on the project's merge method; a fast-forward adds none. */
function toPullRequest(body: z.output<typeof schema>): PullRequest {
  const merged = body.merge_commit_sha ?? body.squash_commit_sha ?? body.sha ?? undefined;
  return {
    id: body.iid,
    url: body.web_url,
    title: body.title,
    from: body.source_branch,
    to: body.target_branch,
    isFromFork: body.source_project_id !== body.target_project_id,
    state: STATES[body.state],
    head: body.sha ?? undefined,
    mergeCommit: body.state === "merged" ? merged : undefined,
  };
}
