// Client of Bitbucket Cloud 2.0, built on the package `bitbucket`, with only the calls that the steps make. In Gantry, a
// project of this host is `workspace` or `workspace/PROJECTKEY`; without a key, Bitbucket uses its oldest project.

import { createHash } from "node:crypto";
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
} from "../git/host.ts";
import { callSdk } from "../git/sdk.ts";
import { basicAuth } from "../http.ts";
import { type Api, openApi } from "./api.ts";
import { cloudPullRequests } from "./pull-requests.ts";

const repositorySchema = z.object({
  slug: z.string(),
  description: z.string().nullish(),
  mainbranch: z.object({ name: z.string() }).nullish(),
  project: z.object({ key: z.string() }),
});
const pageSchema = z.object({ values: z.array(z.unknown()) });

/** The user names that git over HTTP requires with an account's API token and with a repository access token. */
const GIT_USER = { account: "x-bitbucket-api-token-auth", accessToken: "x-token-auth" } as const;

export function bitbucketCloudHost(access: HostAccess): GitHost {
  const { system } = access;
  const requireProject = (project: string, slug: string): Promise<void> => requireOwnProject(access, project, slug);
  const inProject =
    <R, A extends readonly unknown[]>(call: (project: string, slug: string, ...more: A) => Promise<R>) =>
    async (project: string, slug: string, ...more: A): Promise<R> => {
      await requireProject(project, slug);
      return call(project, slug, ...more);
    };
  const pulls = cloudPullRequests((call) => callSdk(access, apiOf, call));
  return {
    requireProject,
    createRepository: (desired) => createRepository(access, desired),
    getRepository: (project, slug) => getRepository(access, project, slug),
    listRepositories: (project) => listRepositories(access, project),
    describeRepository: inProject((project, slug, text: string) => describeRepository(access, project, slug, text)),
    isEmpty: inProject((project, slug) => isEmpty(access, project, slug)),
    deleteRepository: inProject((project, slug) => deleteRepository(access, project, slug)),
    listPullRequests: inProject(pulls.listPullRequests),
    openPullRequest: inProject(pulls.openPullRequest),
    getPullRequest: inProject(pulls.getPullRequest),
    closePullRequest: inProject(pulls.closePullRequest),
    listChecks: inProject(pulls.listChecks),
    mergePullRequest: inProject(pulls.mergePullRequest),
    setCommitStatus: inProject((project, slug, commit: string, status: CommitStatus) =>
      setCommitStatus(access, project, slug, commit, status),
    ),
    cloneUrl: (project, slug) => cloneAddress(system, project, slug),
    repositoryUrl: (project, slug) => `${system.url}/${pathOf(workspaceOf(project), slug)}`,
    commitUrl: (project, slug, commit) => `${system.url}/${pathOf(workspaceOf(project), slug, "commits", commit)}`,
    fileUrl: (project, slug, commit) =>
      `${system.url}/${pathOf(workspaceOf(project), slug, "src", commit)}/{path}#lines-{line}`,
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

type Found = z.infer<typeof repositorySchema>;

/** In whatever project of the workspace it is. */
async function findRepository(access: HostAccess, project: string, slug: string): Promise<Found | undefined> {
  const answer = await callSdk(access, apiOf, {
    what: `read repository ${project}/${slug}`,
    schema: repositorySchema,
    expect: [404],
    send: (api) => api.repositories.get({ workspace: workspaceOf(project), repo_slug: slug.toLowerCase() }),
  });
  return answer.ok ? answer.data : undefined;
}

/** Keys are upper case at Bitbucket. */
function isIn(project: string, found: Found): boolean {
  const { key } = placeOf(project);
  return key === undefined || key.toUpperCase() === found.project.key.toUpperCase();
}

async function getRepository(access: HostAccess, project: string, slug: string): Promise<HostRepository | undefined> {
  const found = await findRepository(access, project, slug);
  return found && isIn(project, found) ? toRepository(project, found) : undefined;
}

/** The address of a repository has its workspace and not its project: with another project it would lead to the same one. */
async function requireOwnProject(access: HostAccess, project: string, slug: string): Promise<void> {
  if (placeOf(project).key === undefined) return;
  const found = await findRepository(access, project, slug);
  if (!found || isIn(project, found)) return;
  throw new GantryError("system-refused", {
    system: access.system.name,
    what: `use the repository ${project}/${slug}`,
    problem: "a repository of this name is in another project of the workspace",
  });
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

const BUILD_STATES = { running: "INPROGRESS", succeeded: "SUCCESSFUL", failed: "FAILED", canceled: "STOPPED" } as const;
/** Bitbucket refuses longer keys. */
const LONGEST_KEY = 40;

async function setCommitStatus(
  access: HostAccess,
  project: string,
  slug: string,
  commit: string,
  { state, name, description, url }: CommitStatus,
): Promise<void> {
  const key = name.length <= LONGEST_KEY ? name : createHash("sha256").update(name).digest("hex").slice(0, LONGEST_KEY);
  const { workspace } = placeOf(project);
  await callSdk(access, apiOf, {
    what: `set a status of commit ${commit} of ${project}/${slug}`,
    schema: z.object({ key: z.string() }),
    send: (api) =>
      api.commitstatuses.createBuildStatus({
        workspace,
        repo_slug: slug.toLowerCase(),
        commit,
        _body: { type: "build", key, name, state: BUILD_STATES[state], description, url },
      }),
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
