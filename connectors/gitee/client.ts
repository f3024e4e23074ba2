// Client of the REST API v5 of Gitee, with only the calls that the steps make. In Gantry, a project of this host is the owner:
// an organisation, or the user that the token belongs to.

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
import { basicAuth, createHttp, type Http } from "../http.ts";
import { problemOf } from "../http-problem.ts";
import { giteePullRequests } from "./pull-requests.ts";

const repositorySchema = z.object({
  /** For people; the path is part of addresses. */
  name: z.string(),
  path: z.string(),
  description: z.string().nullish(),
  default_branch: z.string().nullish(),
});
type Repository = z.output<typeof repositorySchema>;
type Client = { readonly http: Http; readonly system: HostAccess["system"] };

export function giteeHttp({ system, fetch, signal }: HostAccess): Http {
  return createHttp({
    system: system.name,
    baseUrl: system.api ?? `${system.url}/api/v5`,
    // The documentation sends `access_token` in the address, where proxies would log it. The header does the same.
    headers: { authorization: `Bearer ${system.token}` },
    fetch,
    signal,
  });
}

export function giteeHost(access: HostAccess): GitHost {
  const { system } = access;
  const http = giteeHttp(access);
  const client: Client = { http, system };
  return {
    createRepository: (desired) => createRepository(client, desired),
    getRepository: async (project, slug) => {
      const found = await readRepository(client, project, slug);
      return found && toRepository(project, found);
    },
    listRepositories: (project) => listRepositories(http, project),
    describeRepository: (project, slug, description) => describeRepository(client, project, slug, description),
    isEmpty: async (project, slug) => {
      const { body } = await http.get(`${repositoryPath(project, slug)}/branches`, {
        query: { per_page: 1 },
        schema: z.array(z.unknown()),
        what: `list branches of ${project}/${slug}`,
      });
      return body.length === 0;
    },
    deleteRepository: async (project, slug) => {
      const what = `delete repository ${project}/${slug}`;
      await http.delete(repositoryPath(project, slug), { expect: [404], what });
    },
    ...giteePullRequests(http),
    setCommitStatus: (project, slug, commit, status) => setCommitStatus(client, project, slug, commit, status),
    cloneUrl: (project, slug) => cloneAddress(system, project, slug),
    repositoryUrl: (project, slug) => `${system.url}/${pathOf(project, slug)}`,
    commitUrl: (project, slug, commit) => `${system.url}/${pathOf(project, slug, "commit", commit)}`,
    fileUrl: (project, slug, commit) => `${system.url}/${pathOf(project, slug, "blob", commit)}/{path}#L{line}`,
    gitAuthorization: () => basicAuth(system.username ?? "oauth2", system.token),
  };
}

async function createRepository(client: Client, desired: NewRepository): Promise<HostRepository | undefined> {
  const { http } = client;
  const { project, slug, description } = desired;
  const call = {
    what: `create repository ${project}/${slug}`,
    json: { name: slug, path: slug, description, private: desired.private, auto_init: false },
    schema: repositorySchema,
    expect: [400, 404, 422],
  };
  let answer = await http.post(`/orgs/${pathOf(project)}/repos`, call);
  if (!answer.ok && answer.status === 404) {
    // There is no such organisation: the owner may be the token's own user.
    await mustBeSelf(client, project, call.what);
    answer = await http.post("/user/repos", call);
  }
  if (answer.ok) return toRepository(project, answer.body);
  // 400 or 422, by version, for every kind of invalid input. "A repository with this address exists."
  const problem = problemOf(answer.body);
  if (/已存在同地址仓库|already exists/i.test(problem)) return undefined;
  throw new GantryError("system-refused", {
    system: client.system.name,
    what: call.what,
    problem: withoutToken(`status ${answer.status}: ${problem}`, client.system),
  });
}

async function mustBeSelf({ http, system }: Client, owner: string, what: string): Promise<void> {
  const { body: self } = await http.get("/user", { schema: z.object({ login: z.string() }), what });
  if (self.login.toLowerCase() === owner.toLowerCase()) return;
  const problem = `there is no organisation ${owner}, and the token belongs to ${self.login}`;
  throw new GantryError("system-forbidden", { system: system.name, what, problem });
}

async function readRepository({ http }: Client, project: string, slug: string): Promise<Repository | undefined> {
  const answer = await http.get(repositoryPath(project, slug), {
    schema: repositorySchema,
    expect: [404],
    what: `read repository ${project}/${slug}`,
  });
  return answer.ok ? answer.body : undefined;
}

async function listRepositories(http: Http, project: string): Promise<readonly string[]> {
  const call = {
    query: { per_page: 100 },
    schema: z.array(z.object({ path: z.string() })),
    what: `list the repositories of ${project}`,
  };
  const answer = await http.get(`/orgs/${pathOf(project)}/repos`, { ...call, expect: [404] });
  // Where there is no such organisation, the owner may be a person.
  const { body } = answer.ok ? answer : await http.get(`/users/${pathOf(project)}/repos`, call);
  return body.map(({ path }) => path);
}

async function describeRepository({ http }: Client, project: string, slug: string, description: string): Promise<void> {
  const what = `describe repository ${project}/${slug}`;
  // Gitee refuses a change without the name.
  const { body } = await http.get(repositoryPath(project, slug), { schema: repositorySchema, what });
  const json = { name: body.name, description };
  await http.patch(repositoryPath(project, slug), { json, schema: repositorySchema, what });
}

const OUTCOMES = {
  running: { status: "in_progress" },
  succeeded: { status: "completed", conclusion: "success" },
  failed: { status: "completed", conclusion: "failure" },
  canceled: { status: "completed", conclusion: "cancelled" },
} as const;

/** Gitee has check runs in place of statuses. Of those with one name it shows the newest. */
async function setCommitStatus(
  { http }: Client,
  project: string,
  slug: string,
  commit: string,
  { state, name, description, url }: CommitStatus,
): Promise<void> {
  await http.post(`${repositoryPath(project, slug)}/check-runs`, {
    json: {
      name,
      head_sha: commit,
      details_url: url,
      ...OUTCOMES[state],
      output: { title: name, summary: description },
    },
    schema: z.object({ id: z.number() }),
    what: `set a status of commit ${commit} of ${project}/${slug}`,
  });
}

function repositoryPath(project: string, slug: string): string {
  return `/repos/${pathOf(project, slug)}`;
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
