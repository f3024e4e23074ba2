// Client of the REST API of GitLab 16 and later, with only the calls that the steps make. In Gantry, a project of this host is
// the path of a group with its parents, `group/subgroup`, or the name of the user that the token belongs to; what GitLab calls
// a project is a repository. Why there is no library: docs/decisions/0035-gitlab-without-gitbeaker.md.

import { GantryError } from "@gantry/core/errors.ts";
import { cloneAddress } from "@gantry/core/site/clone-address.ts";
import { z } from "zod";
import {
  type CommitStatus,
  type GitHost,
  type HostAccess,
  type HostRepository,
  type NewRepository,
  pathOf,
  withoutToken,
} from "../git/host.ts";
import { basicAuth, type Http, type OtherAnswer } from "../http.ts";
import { problemOf } from "../http-problem.ts";
import { gitlabHttp, projectPath } from "./api.ts";
import { gitlabPullRequests } from "./pull-requests.ts";

const repositorySchema = z.object({
  path: z.string(),
  description: z.string().nullish(),
  default_branch: z.string().nullish(),
  empty_repo: z.boolean().nullish(),
  /** GitLab deletes some days later. Newer versions also rename the project at once. */
  marked_for_deletion_on: z.string().nullish(),
});
type Repository = z.output<typeof repositorySchema>;

type Client = { readonly http: Http; readonly system: HostAccess["system"] };

export function gitlabHost(access: HostAccess): GitHost {
  const { system } = access;
  const http = gitlabHttp(access);
  const client: Client = { http, system };
  return {
    createRepository: (desired) => createRepository(client, desired),
    getRepository: async (project, slug) => {
      const found = await readRepository(client, project, slug);
      return found && toRepository(project, found);
    },
    listRepositories: (project) => listRepositories(http, project),
    describeRepository: async (project, slug, description) => {
      const what = `describe repository ${project}/${slug}`;
      await http.put(projectPath(project, slug), { json: { description }, schema: repositorySchema, what });
    },
    isEmpty: async (project, slug) => (await readRepository(client, project, slug))?.empty_repo === true,
    deleteRepository: (project, slug) => deleteRepository(client, project, slug),
    ...gitlabPullRequests(http),
    setCommitStatus: (project, slug, commit, status) => setCommitStatus(client, project, slug, commit, status),
    cloneUrl: (project, slug) => cloneAddress(system, project, slug),
    repositoryUrl: (project, slug) => `${system.url}/${pagePath(project, slug)}`,
    commitUrl: (project, slug, commit) => `${system.url}/${pagePath(project, slug)}/-/commit/${pathOf(commit)}`,
    fileUrl: (project, slug, commit) =>
      `${system.url}/${pagePath(project, slug)}/-/blob/${pathOf(commit)}/{path}#L{line}`,
    // GitLab accepts any user name beside a token.
    gitAuthorization: () => basicAuth(system.username ?? "oauth2", system.token),
  };
}

async function createRepository(client: Client, desired: NewRepository): Promise<HostRepository | undefined> {
  const { http } = client;
  const what = `create repository ${desired.project}/${desired.slug}`;
  const namespace = await http.get(`/namespaces/${pathOf(desired.project)}`, {
    schema: z.object({ id: z.number() }),
    expect: [404],
    what,
  });
  if (!namespace.ok) throw forbidden(client, what, `there is no group ${desired.project}, or the token may not see it`);
  const answer = await http.post("/projects", {
    json: {
      name: desired.slug,
      path: desired.slug,
      namespace_id: namespace.body.id,
      description: desired.description,
      visibility: desired.private ? "private" : "public",
    },
    schema: repositorySchema,
    expect: [400],
    what,
  });
  if (answer.ok) return toRepository(desired.project, answer.body);
  // 400 is the answer to every kind of invalid input; the message tells them apart.
  const problem = problemOf(answer.body);
  if (/has already been taken/i.test(problem)) return undefined;
  if (/namespace[^;]* is not valid/i.test(problem)) throw forbidden(client, what, problem);
  throw refused(client, what, answer);
}

async function readRepository({ http }: Client, project: string, slug: string): Promise<Repository | undefined> {
  const answer = await http.get(projectPath(project, slug), {
    schema: repositorySchema,
    expect: [404],
    what: `read repository ${project}/${slug}`,
  });
  return answer.ok && typeof answer.body.marked_for_deletion_on !== "string" ? answer.body : undefined;
}

async function listRepositories(http: Http, project: string): Promise<readonly string[]> {
  const call = {
    query: { per_page: 100 },
    schema: z.array(z.object({ path: z.string(), marked_for_deletion_on: z.string().nullish() })),
    what: `list the repositories of ${project}`,
  };
  const answer = await http.get(`/groups/${pathOf(project)}/projects`, { ...call, expect: [404] });
  // Where there is no such group, the owner may be a person.
  const { body } = answer.ok ? answer : await http.get(`/users/${pathOf(project)}/projects`, call);
  return body.filter((one) => typeof one.marked_for_deletion_on !== "string").map(({ path }) => path);
}

async function deleteRepository(client: Client, project: string, slug: string): Promise<void> {
  const what = `delete repository ${project}/${slug}`;
  const answer = await client.http.delete(projectPath(project, slug), { expect: [400, 404], what });
  if (answer.ok || answer.status === 404 || /marked for deletion/i.test(problemOf(answer.body))) return;
  throw refused(client, what, answer);
}

const STATES = { running: "running", succeeded: "success", failed: "failed", canceled: "canceled" } as const;

async function setCommitStatus(
  client: Client,
  project: string,
  slug: string,
  commit: string,
  { state, name, description, url }: CommitStatus,
): Promise<void> {
  const what = `set a status of commit ${commit} of ${project}/${slug}`;
  const answer = await client.http.post(`${projectPath(project, slug)}/statuses/${pathOf(commit)}`, {
    json: { state: STATES[state], name, description, target_url: url },
    schema: z.object({ id: z.number() }),
    expect: [400],
    what,
  });
  if (answer.ok) return;
  // A status that runs already cannot be set to running again.
  if (state === "running" && /cannot transition status via :\w+ from :running/i.test(problemOf(answer.body))) return;
  throw refused(client, what, answer);
}

function pagePath(project: string, slug: string): string {
  return pathOf(...project.split("/"), slug);
}

function toRepository(project: string, body: Repository): HostRepository {
  return {
    project,
    slug: body.path,
    description: body.description ?? "",
    defaultBranch: body.default_branch ?? undefined,
    ready: true,
  };
}

function forbidden({ system }: Client, what: string, problem: string): GantryError {
  return new GantryError("system-forbidden", { system: system.name, what, problem: withoutToken(problem, system) });
}

function refused({ system }: Client, what: string, { status, body }: OtherAnswer): GantryError {
  const problem = withoutToken(`status ${status}: ${problemOf(body)}`, system);
  return new GantryError("system-refused", { system: system.name, what, problem });
}
