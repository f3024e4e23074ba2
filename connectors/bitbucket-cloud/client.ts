// Client of Bitbucket Cloud 2.0, built on the package `bitbucket`, with only the calls that the steps make. In Gantry, a
// project of this host is `workspace` or `workspace/PROJECTKEY`; without a key, Bitbucket uses its oldest project.

import { GantryError } from "@gantry/core/errors.ts";
import { cloneAddress } from "@gantry/core/site/clone-address.ts";
import { z } from "zod";
import { type GitHost, type HostAccess, type HostRepository, type NewRepository, pathOf } from "../git/host.ts";
import { callSdk } from "../git/sdk.ts";
import { basicAuth } from "../http.ts";
import { type Api, openApi } from "./api.ts";
import { cloudPullRequests } from "./pull-requests.ts";

const repositorySchema = z.object({
  slug: z.string(),
  description: z.string().nullish(),
  mainbranch: z.object({ name: z.string() }).nullish(),
});
const pageSchema = z.object({ values: z.array(z.unknown()) });

/** The user names that git over HTTP requires with an account's API token and with a repository access token. */
const GIT_USER = { account: "x-bitbucket-api-token-auth", accessToken: "x-token-auth" } as const;

export function bitbucketCloudHost(access: HostAccess): GitHost {
  const { system } = access;
  return {
    createRepository: (desired) => createRepository(access, desired),
    getRepository: (project, slug) => getRepository(access, project, slug),
    listRepositories: (project) => listRepositories(access, project),
    describeRepository: (project, slug, description) => describeRepository(access, project, slug, description),
    isEmpty: (project, slug) => isEmpty(access, project, slug),
    deleteRepository: (project, slug) => deleteRepository(access, project, slug),
    ...cloudPullRequests((call) => callSdk(access, apiOf, call)),
    cloneUrl: (project, slug) => cloneAddress(system, project, slug),
    repositoryUrl: (project, slug) => `${system.url}/${pathOf(workspaceOf(project), slug)}`,
    commitUrl: (project, slug, commit) => `${system.url}/${pathOf(workspaceOf(project), slug, "commits", commit)}`,
    gitAuthorization: () =>
      basicAuth(system.username === undefined ? GIT_USER.accessToken : GIT_USER.account, system.token),
  };
}

async function createRepository(access: HostAccess, desired: NewRepository): Promise<HostRepository | undefined> {
  const { workspace, key } = placeOf(desired.project);
  // The API answers 400 to upper-case slugs, so they are converted.
  const slug = desired.slug.toLowerCase();
  const answer = await callSdk(access, apiOf, {
    what: `create repository ${desired.project}/${slug}`,
    schema: repositorySchema,
    expect: [400],
    send: (api) =>
      api.repositories.create({
        workspace,
        repo_slug: slug,
        // POST, not PUT: PUT to an existing repository would change it and might rename it.
        _body: {
          type: "repository",
          scm: "git",
          is_private: desired.private,
          description: desired.description,
          ...(key === undefined ? {} : { project: { type: "project", key } }),
        },
      }),
  });
  if (answer.ok) return toRepository(desired.project, answer.data);
  // An existing repository has no status of its own; only this message identifies it.
  if (/already exists/i.test(answer.problem)) return undefined;
  throw new GantryError("system-refused", {
    system: access.system.name,
    what: `create repository ${desired.project}/${slug}`,
    problem: `status ${answer.status}: ${answer.problem}`,
  });
}

async function getRepository(access: HostAccess, project: string, slug: string): Promise<HostRepository | undefined> {
  const answer = await callSdk(access, apiOf, {
    what: `read repository ${project}/${slug}`,
    schema: repositorySchema,
    expect: [404],
    send: (api) => api.repositories.get({ workspace: workspaceOf(project), repo_slug: slug.toLowerCase() }),
  });
  return answer.ok ? toRepository(project, answer.data) : undefined;
}

async function listRepositories(access: HostAccess, project: string): Promise<readonly string[]> {
  const { workspace, key } = placeOf(project);
  const q = key === undefined ? {} : { q: `project.key = ${JSON.stringify(key)}` };
  const answer = await callSdk(access, apiOf, {
    what: `list the repositories of ${project}`,
    schema: z.object({ values: z.array(z.object({ slug: z.string() })) }),
    send: (api) => api.repositories.list({ workspace, ...q, pagelen: 100 }),
  });
  return answer.ok ? answer.data.values.map(({ slug }) => slug) : [];
}

async function describeRepository(access: HostAccess, project: string, slug: string, text: string): Promise<void> {
  await callSdk(access, apiOf, {
    what: `describe repository ${project}/${slug}`,
    schema: repositorySchema,
    send: (api) =>
      api.repositories.update({
        workspace: workspaceOf(project),
        repo_slug: slug.toLowerCase(),
        _body: { type: "repository", description: text },
      }),
  });
}

async function isEmpty(access: HostAccess, project: string, slug: string): Promise<boolean> {
  const answer = await callSdk(access, apiOf, {
    what: `list branches of ${project}/${slug}`,
    schema: pageSchema,
    send: (api) =>
      api.repositories.listBranches({ workspace: workspaceOf(project), repo_slug: slug.toLowerCase(), pagelen: 1 }),
  });
  return answer.ok && answer.data.values.length === 0;
}

async function deleteRepository(access: HostAccess, project: string, slug: string): Promise<void> {
  await callSdk(access, apiOf, {
    what: `delete repository ${project}/${slug}`,
    schema: z.unknown(),
    expect: [404],
    send: (api) => api.repositories.delete({ workspace: workspaceOf(project), repo_slug: slug.toLowerCase() }),
  });
}

function apiOf({ system }: HostAccess, guarded: typeof fetch): Api {
  const { token, username } = system;
  return openApi({
    baseUrl:
      system.api ?? (system.url === "https://bitbucket.org" ? "https://api.bitbucket.org/2.0" : `${system.url}/2.0`),
    auth: username === undefined ? { token } : { username, password: token },
    notice: false,
    request: { fetch: guarded },
  });
}

function placeOf(project: string): { readonly workspace: string; readonly key: string | undefined } {
  const [workspace = "", key] = project.split("/", 2);
  return { workspace, key };
}

function workspaceOf(project: string): string {
  return placeOf(project).workspace;
}

function toRepository(project: string, body: z.infer<typeof repositorySchema>): HostRepository {
  return {
    project,
    slug: body.slug,
    description: body.description ?? "",
    defaultBranch: body.mainbranch?.name,
    ready: true,
  };
}
