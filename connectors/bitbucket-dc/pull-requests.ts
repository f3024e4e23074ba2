// Pull requests of Bitbucket Data Center, for the client.

import type { GantryError } from "@gantry/core/errors.ts";
import { isJsonObject } from "@gantry/core/json.ts";
import { z } from "zod";
import { type CommitCheck, type GitHost, type MergeAnswer, type PullRequest, pathOf } from "../git/host.ts";
import type { Http, OtherAnswer } from "../http.ts";

const branch = z.object({
  displayId: z.string(),
  latestCommit: z.string().optional(),
  repository: z.object({ id: z.int() }),
});
const schema = z.object({
  id: z.int(),
  /** Grows with every change; a change must name the one that it saw. */
  version: z.int(),
  title: z.string(),
  state: z.enum(["OPEN", "MERGED", "DECLINED"]),
  fromRef: branch,
  toRef: branch,
  properties: z.object({ mergeCommit: z.object({ id: z.string() }).optional() }).optional(),
  links: z.object({ self: z.array(z.object({ href: z.string() })) }),
});
const pageSchema = z.object({ values: z.array(schema) });
const buildsSchema = z.object({
  values: z.array(
    z.object({ key: z.string(), name: z.string().nullish(), state: z.string(), url: z.string().nullish() }),
  ),
});
type Methods = Pick<
  GitHost,
  "listPullRequests" | "openPullRequest" | "getPullRequest" | "closePullRequest" | "listChecks" | "mergePullRequest"
>;

const STATES = { OPEN: "open", MERGED: "merged", DECLINED: "closed" } as const;
const TELLING = [400, 401, 404, 409] as const;

export function dcPullRequests(http: Http, refusal: (what: string, answer: OtherAnswer) => GantryError): Methods {
  const read = async (project: string, slug: string, id: number): Promise<z.output<typeof schema>> => {
    const what = `read pull request ${id} of ${project}/${slug}`;
    const answer = await http.get(`${listPath(project, slug)}/${id}`, { schema, expect: TELLING, what });
    if (answer.ok) return answer.body;
    throw refusal(what, answer);
  };
  return {
    listPullRequests: async (project, slug, to) => {
      const what = `list pull requests of ${project}/${slug}`;
      const query = { state: "OPEN", direction: "INCOMING", at: `refs/heads/${to}`, order: "NEWEST", limit: 100 };
      const answer = await http.get(listPath(project, slug), { query, schema: pageSchema, expect: TELLING, what });
      if (answer.ok) return answer.body.values.map(toPullRequest);
      throw refusal(what, answer);
    },
    openPullRequest: async (project, slug, { title, description, from, to }) => {
      const what = `open a pull request in ${project}/${slug}`;
      const [fromRef, toRef] = [{ id: `refs/heads/${from}` }, { id: `refs/heads/${to}` }];
      const json = { title, description, fromRef, toRef };
      const answer = await http.post(listPath(project, slug), { json, schema, expect: TELLING, what });
      if (answer.ok) return toPullRequest(answer.body);
      throw refusal(what, answer);
    },
    getPullRequest: async (project, slug, id) => toPullRequest(await read(project, slug, id)),
    closePullRequest: async (project, slug, id) => {
      const { state, version } = await read(project, slug, id);
      if (state !== "OPEN") return;
      const what = `close pull request ${id} of ${project}/${slug}`;
      const path = `${listPath(project, slug)}/${id}/decline`;
      const answer = await http.post(path, { json: { version }, schema, expect: TELLING, what });
      if (!answer.ok) throw refusal(what, answer);
    },
    listChecks: async (project, slug, { id, head }) => {
      if (head === undefined) return [];
      const what = `read the builds of pull request ${id} of ${project}/${slug}`;
      // The resource below the repository needs the key of a build; only this one lists them.
      const path = `/build-status/latest/commits/${pathOf(head)}`;
      const answer = await http.get(path, { query: { limit: 100 }, schema: buildsSchema, expect: TELLING, what });
      if (answer.ok) return answer.body.values.map(toCheck);
      throw refusal(what, answer);
    },
    mergePullRequest: async (project, slug, { id, head, to }) => {
      const seen = await read(project, slug, id);
      if (seen.state === "MERGED") return { kind: "merged", pullRequest: toPullRequest(seen) };
      if (seen.fromRef.latestCommit !== head || seen.toRef.displayId !== to) return MOVED;
      const what = `merge pull request ${id} of ${project}/${slug}`;
      const answer = await http.post(`${listPath(project, slug)}/${id}/merge`, {
        query: { version: seen.version },
        json: { version: seen.version },
        schema,
        expect: TELLING,
        what,
      });
      if (answer.ok) return { kind: "merged", pullRequest: toPullRequest(answer.body) };
      const refused = answer.status === 409 ? mergeRefusal(answer.body) : undefined;
      if (refused === undefined) throw refusal(what, answer);
      return refused;
    },
  };
}

const MOVED: MergeAnswer = {
  kind: "conflict",
  reason: "its branch got other commits, or it leads to another branch now",
};

/** `conflicted` and `vetoes` stand in the error itself. Undefined: another error. */
function mergeRefusal(body: unknown): MergeAnswer | undefined {
  const errors: unknown = isJsonObject(body) ? body.errors : undefined;
  const error: unknown = Array.isArray(errors) ? errors[0] : undefined;
  if (!isJsonObject(error)) return undefined;
  if (error.conflicted === true) return { kind: "conflict", reason: "the same lines were changed on both branches" };
  const exception = String(error.exceptionName).split(".").at(-1);
  if (exception === "PullRequestOutOfDateException") return MOVED;
  const vetoes = Array.isArray(error.vetoes) ? (error.vetoes as readonly unknown[]) : [];
  const words = vetoes.flatMap((one) => (isJsonObject(one) ? [String(one.summaryMessage ?? one.detailedMessage)] : []));
  if (words.length === 0 && exception !== "PullRequestMergeVetoedException") return undefined;
  return { kind: "blocked", reason: words.join("; ") || String(error.message) };
}

function toCheck({ key, name, state, url }: z.output<typeof buildsSchema>["values"][number]): CommitCheck {
  const states: { readonly [state: string]: CommitCheck["state"] } = { SUCCESSFUL: "passed", INPROGRESS: "running" };
  return { name: name ?? key, state: states[state] ?? "failed", url: url ?? undefined };
}

function listPath(project: string, slug: string): string {
  return `/api/latest/projects/${pathOf(project, "repos", slug)}/pull-requests`;
}

function toPullRequest(body: z.output<typeof schema>): PullRequest {
  return {
    id: body.id,
    url: body.links.self[0]?.href ?? "",
    title: body.title,
    from: body.fromRef.displayId,
    to: body.toRef.displayId,
    isFromFork: body.fromRef.repository.id !== body.toRef.repository.id,
    state: STATES[body.state],
    head: body.fromRef.latestCommit,
    mergeCommit: body.properties?.mergeCommit?.id,
  };
}
