// Pull requests of GitHub, for the client.

import type { Octokit } from "@octokit/rest";
import { z } from "zod";
import type { CommitCheck, GitHost, PullRequest } from "../git/host.ts";
import type { SdkAnswer, SdkCall, SdkRefusal } from "../git/sdk.ts";

const schema = z.object({
  number: z.int(),
  html_url: z.string(),
  title: z.string(),
  state: z.enum(["open", "closed"]),
  merged_at: z.string().nullish(),
  merge_commit_sha: z.string().nullish(),
  /** Only of a single one; null until GitHub has tried. */
  mergeable: z.boolean().nullish(),
  /** `repo`: null when the fork is gone. */
  head: z.object({ ref: z.string(), sha: z.string(), repo: z.object({ id: z.int() }).nullable() }),
  base: z.object({ ref: z.string(), repo: z.object({ id: z.int() }) }),
});
type Call = <T>(call: SdkCall<Octokit, T>) => Promise<SdkAnswer<T> | SdkRefusal>;
const statusesSchema = z.object({
  statuses: z.array(z.object({ context: z.string(), state: z.string(), target_url: z.string().nullish() })),
});
const runsSchema = z.object({
  check_runs: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      conclusion: z.string().nullish(),
      html_url: z.string().nullish(),
    }),
  ),
});
type Methods = Pick<
  GitHost,
  "listPullRequests" | "openPullRequest" | "getPullRequest" | "closePullRequest" | "listChecks" | "mergePullRequest"
>;

export function githubPullRequests(call: Call): Methods {
  const need = async <T>(one: SdkCall<Octokit, T>): Promise<T> => {
    const answer = await call(one);
    if (answer.ok) return answer.data;
    throw new Error(`${one.what} expects no other answer`);
  };
  const read = (owner: string, repo: string, id: number): Promise<z.output<typeof schema>> =>
    need({
      what: `read pull request ${id} of ${owner}/${repo}`,
      schema,
      send: (api) => api.rest.pulls.get({ owner, repo, pull_number: id }),
    });
  return {
    listPullRequests: async (owner, repo, base) => {
      const all = await need({
        what: `list pull requests of ${owner}/${repo}`,
        schema: z.array(schema),
        send: (api) => api.rest.pulls.list({ owner, repo, base, state: "open", direction: "desc", per_page: 100 }),
      });
      return all.map(toPullRequest);
    },
    openPullRequest: async (owner, repo, { title, from, to, description }) =>
      toPullRequest(
        await need({
          what: `open a pull request in ${owner}/${repo}`,
          schema,
          send: (api) => api.rest.pulls.create({ owner, repo, title, head: from, base: to, body: description }),
        }),
      ),
    getPullRequest: async (owner, repo, id) => toPullRequest(await read(owner, repo, id)),
    closePullRequest: async (owner, repo, id) => {
      await need({
        what: `close pull request ${id} of ${owner}/${repo}`,
        schema,
        send: (api) => api.rest.pulls.update({ owner, repo, pull_number: id, state: "closed" }),
      });
    },
    listChecks: async (owner, repo, { id, head: ref }) => {
      if (ref === undefined) return [];
      const what = `read the checks of pull request ${id} of ${owner}/${repo}`;
      const { statuses } = await need({
        what,
        schema: statusesSchema,
        send: (api) => api.rest.repos.getCombinedStatusForRef({ owner, repo, ref, per_page: 100 }),
      });
      const { check_runs: runs } = await need({
        what,
        schema: runsSchema,
        send: (api) => api.rest.checks.listForRef({ owner, repo, ref, per_page: 100 }),
      });
      return [...statuses.map(ofStatus), ...runs.map(ofRun)];
    },
    mergePullRequest: async (owner, repo, { id, head }) => {
      const answer = await call({
        what: `merge pull request ${id} of ${owner}/${repo}`,
        schema: z.object({ merged: z.boolean() }),
        expect: [405, 409],
        send: (api) =>
          api.rest.pulls.merge({ owner, repo, pull_number: id, ...(head === undefined ? {} : { sha: head }) }),
      });
      const after = await read(owner, repo, id);
      const pullRequest = toPullRequest(after);
      if (pullRequest.state === "merged") return { kind: "merged", pullRequest };
      if (answer.ok) return { kind: "blocked", reason: "GitHub has not merged it yet" };
      // 409: the head has moved. 405: a rule, a conflict, or a base branch that just moved.
      const isConflict = answer.status === 409 || after.mergeable === false;
      return { kind: isConflict ? "conflict" : "blocked", reason: answer.problem };
    },
  };
}

function ofStatus({
  context,
  state,
  target_url: url,
}: z.output<typeof statusesSchema>["statuses"][number]): CommitCheck {
  const states: { readonly [state: string]: CommitCheck["state"] } = { success: "passed", pending: "running" };
  return { name: context, state: states[state] ?? "failed", url: url ?? undefined };
}

function ofRun({
  name,
  status,
  conclusion,
  html_url: url,
}: z.output<typeof runsSchema>["check_runs"][number]): CommitCheck {
  const isGood = ["success", "neutral", "skipped"].includes(conclusion ?? "");
  return { name, state: status !== "completed" ? "running" : isGood ? "passed" : "failed", url: url ?? undefined };
}

/** An open one has a `merge_commit_sha`, too: that of a trial. */
function toPullRequest(body: z.output<typeof schema>): PullRequest {
  const isMerged = typeof body.merged_at === "string";
  return {
    id: body.number,
    url: body.html_url,
    title: body.title,
    from: body.head.ref,
    to: body.base.ref,
    isFromFork: body.head.repo?.id !== body.base.repo.id,
    state: isMerged ? "merged" : body.state,
    head: body.head.sha,
    mergeCommit: isMerged ? (body.merge_commit_sha ?? undefined) : undefined,
  };
}
