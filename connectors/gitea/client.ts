// Client of the REST API of Gitea 1.23 and later, with only the calls that the steps make. In Gantry, a project of this host
// is the owner: an organisation, or the user that the token belongs to.

import { GantryError } from "@gantry/core/errors.ts";
import { cloneAddress } from "@gantry/core/site/clone-address.ts";
import { z } from "zod";
import { type GitHost, type HostAccess, type HostRepository, type NewRepository, pathOf } from "../git/host.ts";
import { basicAuth, createHttp, type Http } from "../http.ts";
import { giteaPullRequests } from "./pull-requests.ts";

const repositorySchema = z.object({
  name: z.string(),
  description: z.string(),
  default_branch: z.string(),
});

const STATES = { running: "pending", succeeded: "success", failed: "failure", canceled: "error" } as const;

type Client = { readonly http: Http; readonly system: HostAccess["system"] };

export function giteaHttp({ system, fetch, signal }: HostAccess): Http {
  return createHttp({
    system: system.name,
    baseUrl: system.api ?? `${system.url}/api/v1`,
    headers: { authorization: `token ${system.token}` },
    fetch,
    signal,
  });
}

export function giteaHost(access: HostAccess): GitHost {
  const { system } = access;
  const http = giteaHttp(access);
  const client: Client = { http, system };
  return {
    createRepository: (desired) => createRepository(client, desired),
    getRepository: (project, slug) => getRepository(client, project, slug),
    listRepositories: (project) => listRepositories(http, project),
    describeRepository: async (project, slug, description) => {
      const what = `describe repository ${project}/${slug}`;
      await http.patch(repositoryPath(project, slug), { json: { description }, schema: repositorySchema, what });
    },
    isEmpty: async (project, slug) => {
      const { body } = await http.get(`${repositoryPath(project, slug)}/branches`, {
        query: { limit: 1 },
        schema: z.array(z.unknown()),
        what: `list branches of ${project}/${slug}`,
      });
      return body.length === 0;
    },
    deleteRepository: async (project, slug) => {
      const what = `delete repository ${project}/${slug}`;
      await http.delete(repositoryPath(project, slug), { expect: [404], what });
    },
    ...giteaPullRequests(http),
    setCommitStatus: async (project, slug, commit, { state, name, description, url }) => {
      await http.post(`${repositoryPath(project, slug)}/statuses/${pathOf(commit)}`, {
        json: { state: STATES[state], context: name, description, target_url: url },
        schema: z.object({ id: z.number() }),
        what: `set a status of commit ${commit} of ${project}/${slug}`,
      });
    },
    cloneUrl: (project, slug) => cloneAddress(system, project, slug),
    repositoryUrl: (project, slug) => `${system.url}/${pathOf(project, slug)}`,
    commitUrl: (project, slug, commit) => `${system.url}/${pathOf(project, slug, "commit", commit)}`,
    fileUrl: (project, slug, commit) =>
      `${system.url}/${pathOf(project, slug, "src", "commit", commit)}/{path}#L{line}`,
    // Gitea looks only at the password when that is a token.
    gitAuthorization: () => basicAuth(system.username ?? "gantry", system.token),
  };
}

async function createRepository(client: Client, desired: NewRepository): Promise<HostRepository | undefined> {
  const { http } = client;
  const call = {
    what: `create repository ${desired.project}/${desired.slug}`,
    json: {
      name: desired.slug,
      description: desired.description,
      private: desired.private,
      auto_init: false,
      default_branch: desired.defaultBranch,
    },
    schema: repositorySchema,
    expect: [404, 409],
  };
  const first = await http.post(`/orgs/${pathOf(desired.project)}/repos`, call);
  if (first.ok) return toRepository(desired.project, first.body);
  if (first.status === 409) return undefined;
  // There is no such organisation: the owner may be the token's own user.
  await mustBeSelf(client, desired.project, call.what);
  const second = await http.post("/user/repos", { ...call, expect: [409] });
  return second.ok ? toRepository(desired.project, second.body) : undefined;
}

async function mustBeSelf({ http, system }: Client, owner: string, what: string): Promise<void> {
  const { body: self } = await http.get("/user", { schema: z.object({ login: z.string() }), what });
  if (self.login.toLowerCase() === owner.toLowerCase()) return;
  const problem = `there is no organisation ${owner}, and the token belongs to ${self.login}`;
  throw new GantryError("system-forbidden", { system: system.name, what, problem });
}

async function getRepository({ http }: Client, project: string, slug: string): Promise<HostRepository | undefined> {
  const answer = await http.get(repositoryPath(project, slug), {
    schema: repositorySchema,
    expect: [404],
    what: `read repository ${project}/${slug}`,
  });
  return answer.ok ? toRepository(project, answer.body) : undefined;
}

/** Two pages, because one has at most 50 entries. */
async function listRepositories(http: Http, project: string): Promise<readonly string[]> {
  const slugs: string[] = [];
  let address = `/orgs/${pathOf(project)}/repos`;
  for (const page of [1, 2]) {
    const call = {
      query: { page, limit: 50 },
      schema: z.array(z.object({ name: z.string() })),
      what: `list the repositories of ${project}`,
    };
    let answer = await http.get(address, { ...call, expect: [404] });
    if (!answer.ok) {
      // There is no such organisation: the owner may be a person.
      address = `/users/${pathOf(project)}/repos`;
      answer = await http.get(address, call);
    }
    slugs.push(...answer.body.map(({ name }) => name));
    if (answer.body.length < 50) break;
  }
  return slugs;
}

function repositoryPath(project: string, slug: string): string {
  return `/repos/${pathOf(project, slug)}`;
}

function toRepository(project: string, body: z.output<typeof repositorySchema>): HostRepository {
  return {
    project,
    slug: body.name,
    description: body.description,
    defaultBranch: body.default_branch === "" ? undefined : body.default_branch,
    ready: true,
  };
}
