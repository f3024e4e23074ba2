// Client of the REST API of Bitbucket Data Center 9.4 to 10.x, with only the calls that the steps make.

import { GantryError } from "@gantry/core/errors.ts";
import { isJsonObject } from "@gantry/core/json.ts";
import { cloneAddress } from "@gantry/core/site/clone-address.ts";
import { z } from "zod";
import {
  type CommitStatus,
  type GitHost,
  type HostAccess,
  type HostRepository,
  pathOf,
  withoutToken,
} from "../git/host.ts";
import { basicAuth, createHttp, type Http, type OtherAnswer } from "../http.ts";
import { problemOf } from "../http-problem.ts";
import { dcPullRequests } from "./pull-requests.ts";

const repositorySchema = z.object({
  slug: z.string(),
  description: z.string().optional(),
  defaultBranch: z.string().optional(),
  state: z.string(),
  statusMessage: z.string().optional(),
});
type Repository = z.infer<typeof repositorySchema>;

const pageSchema = z.object({ values: z.array(z.unknown()), isLastPage: z.boolean() });

/** Statuses whose meaning depends on `exceptionName`: 401 is also the answer to a missing right. */
const TELLING = [400, 401, 404, 409] as const;

export function bitbucketDcHost(access: HostAccess): GitHost {
  const { system } = access;
  const authorization =
    system.username === undefined ? `Bearer ${system.token}` : basicAuth(system.username, system.token);
  const http = createHttp({
    system: system.name,
    baseUrl: system.api ?? `${system.url}/rest`,
    headers: { authorization },
    fetch: access.fetch,
    signal: access.signal,
  });
  const client: Client = { http, git: system };
  return {
    createRepository: (desired) => createRepository(client, desired),
    getRepository: (project, slug) => getRepository(client, project, slug),
    listRepositories: (project) => listRepositories(client, project),
    describeRepository: (project, slug, description) => describeRepository(client, project, slug, description),
    isEmpty: (project, slug) => isEmpty(client, project, slug),
    deleteRepository: (project, slug) => deleteRepository(client, project, slug),
    ...dcPullRequests(http, (what, answer) => refusal(client, what, answer)),
    setCommitStatus: (project, slug, commit, status) => setCommitStatus(client, project, slug, commit, status),
    cloneUrl: (project, slug) => cloneAddress(system, project, slug),
    repositoryUrl: (project, slug) => `${system.url}/${browsePath(project, slug)}/browse`,
    commitUrl: (project, slug, commit) => `${system.url}/${browsePath(project, slug)}/commits/${pathOf(commit)}`,
    fileUrl: (project, slug, commit) =>
      `${system.url}/${browsePath(project, slug)}/browse/{path}?at=${pathOf(commit)}#{line}`,
    gitAuthorization: () => authorization,
  };
}

type Client = { readonly http: Http; readonly git: HostAccess["system"] };

async function createRepository(
  client: Client,
  desired: Parameters<GitHost["createRepository"]>[0],
): Promise<HostRepository | undefined> {
  const what = `create repository ${desired.project}/${desired.slug}`;
  const answer = await client.http.post(`/api/latest/projects/${pathOf(desired.project)}/repos`, {
    json: {
      name: desired.slug,
      scmId: "git",
      forkable: true,
      public: !desired.private,
      description: desired.description,
      defaultBranch: desired.defaultBranch,
    },
    schema: repositorySchema,
    expect: TELLING,
    what,
  });
  if (!answer.ok) {
    if (answer.status === 409) return undefined;
    throw refusal(client, what, answer);
  }
  const made = toRepository(desired.project, answer.body, client);
  if (made.description === desired.description) return made;
  // Some versions keep only the name on creation, so a second call sets the description.
  await describeRepository(client, desired.project, made.slug, desired.description);
  return { ...made, description: desired.description };
}

async function getRepository(client: Client, project: string, slug: string): Promise<HostRepository | undefined> {
  const what = `read repository ${project}/${slug}`;
  const answer = await client.http.get(repositoryPath(project, slug), {
    schema: repositorySchema,
    expect: TELLING,
    what,
  });
  if (answer.ok) return toRepository(project, answer.body, client);
  // A missing project is a mistake in the pipeline; a missing repository is an ordinary answer. Bitbucket names the exception.
  if (answer.status === 404 && !["", "NoSuchProjectException"].includes(exceptionOf(answer))) return undefined;
  throw refusal(client, what, answer);
}

async function listRepositories(client: Client, project: string): Promise<readonly string[]> {
  const what = `list the repositories of ${project}`;
  const answer = await client.http.get(`/api/latest/projects/${pathOf(project, "repos")}`, {
    query: { limit: 100 },
    schema: z.object({ values: z.array(z.object({ slug: z.string() })) }),
    expect: TELLING,
    what,
  });
  if (!answer.ok) throw refusal(client, what, answer);
  return answer.body.values.map(({ slug }) => slug);
}

async function describeRepository(client: Client, project: string, slug: string, description: string): Promise<void> {
  const what = `describe repository ${project}/${slug}`;
  const answer = await client.http.put(repositoryPath(project, slug), {
    json: { description },
    expect: TELLING,
    what,
  });
  if (!answer.ok) throw refusal(client, what, answer);
}

async function isEmpty(client: Client, project: string, slug: string): Promise<boolean> {
  const what = `list branches of ${project}/${slug}`;
  const answer = await client.http.get(`${repositoryPath(project, slug)}/branches`, {
    query: { limit: 1 },
    schema: pageSchema,
    expect: TELLING,
    what,
  });
  if (!answer.ok) throw refusal(client, what, answer);
  return answer.body.values.length === 0;
}

async function deleteRepository(client: Client, project: string, slug: string): Promise<void> {
  const what = `delete repository ${project}/${slug}`;
  const answer = await client.http.delete(repositoryPath(project, slug), { expect: TELLING, what });
  if (!answer.ok && answer.status !== 404) throw refusal(client, what, answer);
}

const BUILD_STATES = {
  running: "INPROGRESS",
  succeeded: "SUCCESSFUL",
  failed: "FAILED",
  canceled: "CANCELLED",
} as const;

/** Data Center calls a status a build. */
async function setCommitStatus(
  client: Client,
  project: string,
  slug: string,
  commit: string,
  { state, name, description, url }: CommitStatus,
): Promise<void> {
  const what = `set a status of commit ${commit} of ${project}/${slug}`;
  const path = `${repositoryPath(project, slug)}/commits/${pathOf(commit)}/builds`;
  const json = { key: name, name, state: BUILD_STATES[state], url, description };
  const answer = await client.http.post(path, { json, expect: TELLING, what });
  if (!answer.ok) throw refusal(client, what, answer);
  // The answer has no body, so that a proxy could have given it. Reading it back shows that Bitbucket has the build.
  const schema = z.object({ key: z.string(), state: z.string() });
  const kept = await client.http.get(path, { query: { key: name }, schema, expect: TELLING, what });
  if (!kept.ok) throw refusal(client, what, kept);
}

function repositoryPath(project: string, slug: string): string {
  return `/api/latest/projects/${pathOf(project, "repos", slug)}`;
}

/** Personal projects (`~user`) are below /users. */
function browsePath(project: string, slug: string): string {
  return project.startsWith("~")
    ? pathOf("users", project.slice(1), "repos", slug)
    : pathOf("projects", project, "repos", slug);
}

function toRepository(project: string, body: Repository, client: Client): HostRepository {
  if (body.state === "INITIALISATION_FAILED" || body.state === "OFFLINE") {
    const problem = body.statusMessage ?? `its state is ${body.state}`;
    throw new GantryError("system-refused", { system: client.git.name, what: `prepare ${body.slug}`, problem });
  }
  return {
    project,
    slug: body.slug,
    description: body.description ?? "",
    defaultBranch: body.defaultBranch?.replace(/^refs\/heads\//, ""),
    ready: body.state === "AVAILABLE",
  };
}

function refusal(client: Client, what: string, answer: OtherAnswer): GantryError {
  const exception = exceptionOf(answer);
  const problem = withoutToken(`status ${answer.status}: ${problemOf(answer.body)}`, client.git);
  // Without an exception it is no answer of Bitbucket's: something else answers, as while it starts.
  const details = { system: client.git.name, what, problem, ...(exception === "" ? { status: answer.status } : {}) };
  if (answer.status !== 401) return new GantryError(exception === "" ? "system-strange" : "system-refused", details);
  return new GantryError(exception === "AuthorisationException" ? "system-forbidden" : "credential-refused", details);
}

/** The exception name of the first error, without the Java package that the server sends with it. */
function exceptionOf(answer: OtherAnswer): string {
  const errors = isJsonObject(answer.body) ? answer.body.errors : undefined;
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  const name = isJsonObject(first) ? first.exceptionName : undefined;
  return typeof name === "string" ? (name.split(".").at(-1) ?? "") : "";
}
