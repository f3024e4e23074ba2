// Pull requests of Bitbucket Cloud, for the client.

import { z } from "zod";
import type { CommitCheck, GitHost, PullRequest } from "../git/host.ts";
import type { SdkAnswer, SdkCall, SdkRefusal } from "../git/sdk.ts";
import type { Api } from "./api.ts";

/** `repository`: null when the fork is gone. */
const branch = z.object({
  branch: z.object({ name: z.string() }),
  repository: z.object({ full_name: z.string() }).nullish(),
});
const schema = z.object({
  id: z.int(),
  title: z.string(),
  state: z.enum(["OPEN", "MERGED", "DECLINED", "SUPERSEDED"]),
  merge_commit: z.object({ hash: z.string() }).nullish(),
  source: branch.extend({ commit: z.object({ hash: z.string() }).nullish() }),
  destination: branch,
  links: z.object({ html: z.object({ href: z.string() }) }),
});
type Call = <T>(call: SdkCall<Api, T>) => Promise<SdkAnswer<T> | SdkRefusal>;
const statusSchema = z.object({
  key: z.string(),
  name: z.string().nullish(),
  state: z.string(),
  url: z.string().nullish(),
});
type Methods = Pick<
  GitHost,
  "listPullRequests" | "openPullRequest" | "getPullRequest" | "closePullRequest" | "listChecks" | "mergePullRequest"
>;

const STATES = { OPEN: "open", MERGED: "merged", DECLINED: "closed", SUPERSEDED: "closed" } as const;

export function cloudPullRequests(call: Call): Methods {
  const need = async <T>(one: SdkCall<Api, T>): Promise<T> => {
    const answer = await call(one);
    if (answer.ok) return answer.data;
    throw new Error(`${one.what} expects no other answer`);
  };
  const get: Methods["getPullRequest"] = async (project, slug, id) =>
    toPullRequest(
      await need({
        what: `read pull request ${id} of ${project}/${slug}`,
        schema,
        send: (api) => api.pullrequests.get({ ...placeOf(project, slug), pull_request_id: id }),
      }),
    );
  return {
    listPullRequests: async (project, slug, to) => {
      const q = `state = "OPEN" AND destination.branch.name = ${JSON.stringify(to)}`;
      // 50 is the most that this API gives at once.
      const page = await need({
        what: `list pull requests of ${project}/${slug}`,
        schema: z.object({ values: z.array(schema) }),
        send: (api) => api.pullrequests.list({ ...placeOf(project, slug), q, sort: "-created_on", pagelen: 50 }),
      });
      return page.values.map(toPullRequest);
    },
    openPullRequest: async (project, slug, { title, description, from, to }) => {
      const [source, destination] = [{ branch: { name: from } }, { branch: { name: to } }];
      const _body = { type: "pullrequest", title, description, source, destination } as const;
      return toPullRequest(
        await need({
          what: `open a pull request in ${project}/${slug}`,
          schema,
          send: (api) => api.pullrequests.create({ ...placeOf(project, slug), _body }),
        }),
      );
    },
    getPullRequest: get,
    closePullRequest: async (project, slug, id) => {
      if ((await get(project, slug, id)).state !== "open") return;
      await need({
        what: `close pull request ${id} of ${project}/${slug}`,
        schema,
        send: (api) => api.pullrequests.decline({ ...placeOf(project, slug), pull_request_id: id }),
      });
    },
    listChecks: async (project, slug, { id }) => {
      const page = await need({
        what: `read the builds of pull request ${id} of ${project}/${slug}`,
        schema: z.object({ values: z.array(statusSchema) }),
        send: (api) => api.pullrequests.listStatuses({ ...placeOf(project, slug), pull_request_id: id, pagelen: 100 }),
      });
      return page.values.map(toCheck);
    },
    mergePullRequest: async (project, slug, { id, head, to }) => {
      const seen = await get(project, slug, id);
      if (seen.state === "merged") return { kind: "merged", pullRequest: seen };
      if (seen.head !== head || seen.to !== to)
        return { kind: "conflict", reason: "its branch got other commits, or it leads to another branch now" };
      const answer = await call({
        what: `merge pull request ${id} of ${project}/${slug}`,
        schema,
        expect: [400, 409],
        send: (api) =>
          api.pullrequests.merge({
            ...placeOf(project, slug),
            pull_request_id: id,
            _body: { type: "pullrequest_merge_parameters" },
          }),
      });
      if (answer.ok) return { kind: "merged", pullRequest: toPullRequest(answer.data) };
      // 409 is a conflict, or another merge at the same time; merge checks that are not met are a 400.
      const isConflict = answer.status === 409 || /conflict/i.test(answer.problem);
      return { kind: isConflict ? "conflict" : "blocked", reason: answer.problem };
    },
  };
}

function toCheck({ key, name, state, url }: z.output<typeof statusSchema>): CommitCheck {
  const states: { readonly [state: string]: CommitCheck["state"] } = { SUCCESSFUL: "passed", INPROGRESS: "running" };
  return { name: name ?? key, state: states[state] ?? "failed", url: url ?? undefined };
}

function placeOf(project: string, slug: string): { readonly workspace: string; readonly repo_slug: string } {
  return { workspace: project.split("/", 1)[0] ?? "", repo_slug: slug.toLowerCase() };
}

function toPullRequest(body: z.output<typeof schema>): PullRequest {
  return {
    id: body.id,
    url: body.links.html.href,
    title: body.title,
    from: body.source.branch.name,
    to: body.destination.branch.name,
    isFromFork: body.source.repository?.full_name !== body.destination.repository?.full_name,
    state: STATES[body.state],
    head: body.source.commit?.hash,
    mergeCommit: body.state === "MERGED" ? body.merge_commit?.hash : undefined,
  };
}
