// Pull requests of GitHub, for the client.

import type { Octokit } from "@octokit/rest";
import { z } from "zod";
import type { GitHost, PullRequest } from "../git/host.ts";
import type { SdkAnswer, SdkCall, SdkRefusal } from "../git/sdk.ts";

const schema = z.object({
  number: z.int(),
  html_url: z.string(),
  title: z.string(),
  state: z.enum(["open", "closed"]),
  merged_at: z.string().nullish(),
  merge_commit_sha: z.string().nullish(),
  head: z.object({ ref: z.string() }),
  base: z.object({ ref: z.string() }),
});
type Call = <T>(call: SdkCall<Octokit, T>) => Promise<SdkAnswer<T> | SdkRefusal>;
type Methods = Pick<GitHost, "listPullRequests" | "openPullRequest" | "getPullRequest" | "closePullRequest">;

export function githubPullRequests(call: Call): Methods {
  const need = async <T>(one: SdkCall<Octokit, T>): Promise<T> => {
    const answer = await call(one);
    if (answer.ok) return answer.data;
    throw new Error(`${one.what} expects no other answer`);
  };
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
    getPullRequest: async (owner, repo, id) =>
      toPullRequest(
        await need({
          what: `read pull request ${id} of ${owner}/${repo}`,
          schema,
          send: (api) => api.rest.pulls.get({ owner, repo, pull_number: id }),
        }),
      ),
    closePullRequest: async (owner, repo, id) => {
      await need({
        what: `close pull request ${id} of ${owner}/${repo}`,
        schema,
        send: (api) => api.rest.pulls.update({ owner, repo, pull_number: id, state: "closed" }),
      });
    },
  };
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
    state: isMerged ? "merged" : body.state,
    mergeCommit: isMerged ? (body.merge_commit_sha ?? undefined) : undefined,
  };
}
