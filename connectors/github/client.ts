// Client of GitHub and GitHub Enterprise Server, built on @octokit/rest, with only the calls that the steps make. In
// Gantry, a project of this host is the owner: an organisation, or the user that the token belongs to.

import { GantryError } from "@gantry/core/errors.ts";
import { cloneAddress } from "@gantry/core/site/clone-address.ts";
import { Octokit } from "@octokit/rest";
import { z } from "zod";
import {
  type CommitStatus,
  type GitHost,
  type HostAccess,
  type HostRepository,
  type NewRepository,
  pathOf,
} from "../git/host.ts";
import { callSdk } from "../git/sdk.ts";
import { basicAuth } from "../http.ts";
import { githubPullRequests } from "./pull-requests.ts";

const repositorySchema = z.object({
  name: z.string(),
  owner: z.object({ login: z.string() }),
  description: z.string().nullable(),
  default_branch: z.string(),
});
const ownerSchema = z.object({ login: z.string(), type: z.string() });
const branchesSchema = z.array(z.object({ name: z.string() }));

export function githubHost(access: HostAccess): GitHost {
  const { system } = access;
  return {
    createRepository: (desired) => createRepository(access, desired),
    getRepository: (project, slug) => getRepository(access, project, slug),
    listRepositories: (project) => listRepositories(access, project),
    describeRepository: (project, slug, description) => describeRepository(access, project, slug, description),
    isEmpty: (project, slug) => isEmpty(access, project, slug),
    deleteRepository: (project, slug) => deleteRepository(access, project, slug),
    ...githubPullRequests((call) => callSdk(access, apiOf, call)),
    setCommitStatus: (project, slug, commit, status) => setCommitStatus(access, project, slug, commit, status),
    cloneUrl: (project, slug) => cloneAddress(system, project, slug),
    repositoryUrl: (project, slug) => `${system.url}/${pathOf(project, slug)}`,
    commitUrl: (project, slug, commit) => `${system.url}/${pathOf(project, slug, "commit", commit)}`,
    fileUrl: (project, slug, commit) => `${system.url}/${pathOf(project, slug, "blob", commit)}/{path}#L{line}`,
    // GitHub accepts any user name with a token; this one also works for installation tokens.
    gitAuthorization: () => basicAuth(system.username ?? "x-access-token", system.token),
  };
}

async function createRepository(access: HostAccess, desired: NewRepository): Promise<HostRepository | undefined> {
  const what = `create repository ${desired.project}/${desired.slug}`;
  const fields = { name: desired.slug, description: desired.description, private: desired.private, auto_init: false };
  const isOrganisation = await ownedByOrganisation(access, desired.project, what);
  const answer = await callSdk(access, apiOf, {
    what,
    schema: repositorySchema,
    expect: [422],
    send: (api) =>
      isOrganisation
        ? api.rest.repos.createInOrg({ org: desired.project, ...fields })
        : api.rest.repos.createForAuthenticatedUser(fields),
  });
  if (answer.ok) return toRepository(desired.project, answer.data);
  // 422 covers every kind of invalid input; only this message identifies an existing repository.
  if (/already exists/i.test(answer.problem)) return undefined;
  const problem = `status ${answer.status}: ${answer.problem}`;
  throw new GantryError("system-refused", { system: access.system.name, what, problem });
}

/** A user's repository can only be created with that user's token; another token would create it under the wrong owner. */
async function ownedByOrganisation(access: HostAccess, owner: string, what: string): Promise<boolean> {
  const answer = await callSdk(access, apiOf, {
    what,
    schema: ownerSchema,
    send: (api) => api.rest.users.getByUsername({ username: owner }),
  });
  if (!answer.ok || answer.data.type === "Organization") return true;
  const self = await callSdk(access, apiOf, {
    what,
    schema: ownerSchema,
    send: (api) => api.rest.users.getAuthenticated(),
  });
  if (self.ok && self.data.login.toLowerCase() === owner.toLowerCase()) return false;
  throw new GantryError("system-forbidden", {
    system: access.system.name,
    what,
    problem: `${owner} is a person, and the token belongs to somebody else`,
  });
}

async function getRepository(access: HostAccess, project: string, slug: string): Promise<HostRepository | undefined> {
  const answer = await callSdk(access, apiOf, {
    what: `read repository ${project}/${slug}`,
    schema: repositorySchema,
    expect: [404],
    send: (api) => api.rest.repos.get({ owner: project, repo: slug }),
  });
  return answer.ok ? toRepository(project, answer.data) : undefined;
}

async function listRepositories(access: HostAccess, owner: string): Promise<readonly string[]> {
  const what = `list the repositories of ${owner}`;
  const isOrganisation = await ownedByOrganisation(access, owner, what);
  const answer = await callSdk(access, apiOf, {
    what,
    schema: z.array(z.object({ name: z.string() })),
    send: (api) =>
      isOrganisation
        ? api.rest.repos.listForOrg({ org: owner, per_page: 100 })
        : api.rest.repos.listForAuthenticatedUser({ affiliation: "owner", per_page: 100 }),
  });
  return answer.ok ? answer.data.map(({ name }) => name) : [];
}

async function describeRepository(access: HostAccess, project: string, slug: string, text: string): Promise<void> {
  await callSdk(access, apiOf, {
    what: `describe repository ${project}/${slug}`,
    schema: repositorySchema,
    send: (api) => api.rest.repos.update({ owner: project, repo: slug, description: text }),
  });
}

async function isEmpty(access: HostAccess, project: string, slug: string): Promise<boolean> {
  const answer = await callSdk(access, apiOf, {
    what: `list branches of ${project}/${slug}`,
    schema: branchesSchema,
    send: (api) => api.rest.repos.listBranches({ owner: project, repo: slug, per_page: 1 }),
  });
  return answer.ok && answer.data.length === 0;
}

async function deleteRepository(access: HostAccess, project: string, slug: string): Promise<void> {
  await callSdk(access, apiOf, {
    what: `delete repository ${project}/${slug}`,
    schema: z.unknown(),
    expect: [404],
    send: (api) => api.rest.repos.delete({ owner: project, repo: slug }),
  });
}

const STATES = { running: "pending", succeeded: "success", failed: "failure", canceled: "error" } as const;

async function setCommitStatus(
  access: HostAccess,
  project: string,
  slug: string,
  commit: string,
  { state, name, description, url }: CommitStatus,
): Promise<void> {
  const status = { state: STATES[state], context: name, description, target_url: url };
  await callSdk(access, apiOf, {
    what: `set a status of commit ${commit} of ${project}/${slug}`,
    schema: z.object({ state: z.string() }),
    send: (api) => api.rest.repos.createCommitStatus({ owner: project, repo: slug, sha: commit, ...status }),
  });
}

function apiOf({ system }: HostAccess, guarded: typeof fetch): Octokit {
  const silent = () => undefined;
  return new Octokit({
    auth: system.token,
    baseUrl: system.api ?? (system.url === "https://github.com" ? "https://api.github.com" : `${system.url}/api/v3`),
    userAgent: "gantry",
    log: { debug: silent, info: silent, warn: silent, error: silent },
    request: { fetch: guarded },
  });
}

function toRepository(project: string, body: z.infer<typeof repositorySchema>): HostRepository {
  return {
    project,
    slug: body.name,
    description: body.description ?? "",
    defaultBranch: body.default_branch,
    ready: true,
  };
}
