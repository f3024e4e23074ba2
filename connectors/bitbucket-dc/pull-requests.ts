// Pull requests of Bitbucket Data Center, for the client.

import type { GantryError } from "@gantry/core/errors.ts";
import { z } from "zod";
import { type GitHost, type PullRequest, pathOf } from "../git/host.ts";
import type { Http, OtherAnswer } from "../http.ts";

const branch = z.object({ displayId: z.string() });
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
type Methods = Pick<GitHost, "listPullRequests" | "openPullRequest" | "getPullRequest" | "closePullRequest">;

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
  };
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
    state: STATES[body.state],
    mergeCommit: body.properties?.mergeCommit?.id,
  };
}
