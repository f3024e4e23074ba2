// Client of Harbor's API v2: projects, artifacts and scans. Only the calls that the steps make. It uses Basic
// authentication and no cookies: with a session, Harbor would require a CSRF token.

import { GantryError } from "@gantry/core/errors.ts";
import { isJsonObject } from "@gantry/core/json.ts";
import type { HarborSystem } from "@gantry/core/site/systems.ts";
import type { StepContext } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { basicAuth, createHttp, type Http } from "../http.ts";

const REPORT = "application/vnd.security.vulnerability.report; version=1.1";

const projectSchema = z.object({
  project_id: z.int(),
  name: z.string(),
  owner_name: z.string().nullish(),
  creation_time: z.string().nullish(),
  metadata: z.record(z.string(), z.string().nullish()).nullish(),
});
export type Project = z.infer<typeof projectSchema>;

const overviewSchema = z.object({
  report_id: z.string().nullish(),
  scan_status: z.string(),
  severity: z.string().nullish(),
  summary: z
    .object({
      total: z.int().nullish(),
      fixable: z.int().nullish(),
      summary: z.record(z.string(), z.int()).nullish(),
    })
    .nullish(),
});
export type ScanOverview = z.infer<typeof overviewSchema>;

const artifactSchema = z.object({
  project_id: z.int(),
  digest: z.string(),
  references: z.array(z.object({ child_digest: z.string() })).nullish(),
  addition_links: z.record(z.string(), z.unknown()).nullish(),
  /** Keyed by report type; there is one entry, because the request asks for one type. */
  scan_overview: z.record(z.string(), overviewSchema).nullish(),
});

export type Artifact = {
  readonly projectId: number;
  /** False: Harbor has no scanner for this type of artifact. */
  readonly scannable: boolean;
  /** Undefined: never scanned, or the scan is still queued. */
  readonly scan: ScanOverview | undefined;
  /** Digests of the images of an index. */
  readonly children: readonly string[];
};

const reportSchema = z.record(
  z.string(),
  z.object({
    vulnerabilities: z
      .array(
        z.object({
          id: z.string(),
          package: z.string().nullish(),
          version: z.string().nullish(),
          fix_version: z.string().nullish(),
          severity: z.string().nullish(),
        }),
      )
      .nullish(),
  }),
);
export type Vulnerability = NonNullable<z.infer<typeof reportSchema>[string]["vulnerabilities"]>[number];

/** Errors are those of the shared transport. `repository` is the name without its project. Safe to use concurrently. */
export type HarborClient = {
  readonly findProject: (name: string) => Promise<Project | undefined>;
  /** Undefined: Harbor does not say, as to a robot account. */
  readonly mayCreateProjects: () => Promise<boolean | undefined>;
  /** As `resource:action`. Undefined: Harbor does not say, as to a robot account. */
  readonly permissionsIn: (project: Project) => Promise<readonly string[] | undefined>;
  /** False when a project with this name exists. Harbor stores metadata values as strings, including booleans. */
  readonly createProject: (name: string, metadata: Readonly<Record<string, string>>) => Promise<boolean>;
  /** False when the project holds repositories and so cannot be deleted. Deleting an absent project answers true. */
  readonly deleteProject: (name: string) => Promise<boolean>;
  /** Also undefined for a moment after a push: Harbor registers an artifact after the registry has accepted it. */
  readonly findArtifact: (project: string, repository: string, digest: string) => Promise<Artifact | undefined>;
  /** `running` when a scan of this artifact is already in progress. */
  readonly startScan: (project: string, repository: string, digest: string) => Promise<"started" | "running">;
  readonly vulnerabilities: (project: string, repository: string, digest: string) => Promise<readonly Vulnerability[]>;
};

export function createHarbor(
  system: HarborSystem,
  context: Pick<StepContext<unknown>, "fetch" | "signal">,
): HarborClient {
  const title = system.title ?? system.name;
  const http = createHttp({
    system: title,
    baseUrl: `${system.url}/api/v2.0`,
    headers: { authorization: basicAuth(system.username, system.password) },
    fetch: context.fetch,
    signal: context.signal,
    maxBytes: 64 * 1024 * 1024,
  });
  return {
    findProject: (name) => findProject(http, name),
    mayCreateProjects: () => mayCreateProjects(http, system),
    permissionsIn: async ({ project_id }) => {
      if (isRobot(system)) return undefined;
      const query = { scope: `/project/${project_id}`, relative: true };
      const call = { what: "read the permissions of the account", query, schema: permissionsSchema };
      const { body } = await http.get("/users/current/permissions", call);
      return body.map(({ resource, action }) => `${resource}:${action}`);
    },
    createProject: async (name, metadata) => {
      const json = { project_name: name, metadata };
      const what = `create project ${name}`;
      const answer = await http.post("/projects", { json, what, expect: [409] });
      if (answer.ok && answer.status !== CREATED) {
        const problem = `status ${answer.status} where Harbor answers ${CREATED}`;
        throw new GantryError("system-strange", { system: title, what, problem, status: answer.status });
      }
      return answer.ok;
    },
    deleteProject: async (name) => {
      const headers = BY_NAME;
      const { ok, status } = await http.delete(`/projects/${name}`, {
        headers,
        what: `delete project ${name}`,
        expect: [404, 412],
      });
      return ok || status === 404;
    },
    findArtifact: (project, repository, digest) => findArtifact(http, title, pathOf(project, repository, digest)),
    startScan: async (project, repository, digest) => {
      const what = `scan ${repository}@${digest}`;
      const path = `${pathOf(project, repository, digest)}/scan`;
      // No body means a vulnerability scan; Harbor before 2.11 rejects a body.
      const { ok } = await http.post(path, { what, expect: [409] });
      return ok ? "started" : "running";
    },
    vulnerabilities: async (project, repository, digest) => {
      const { body } = await http.get(`${pathOf(project, repository, digest)}/additions/vulnerabilities`, {
        headers: { "x-accept-vulnerabilities": REPORT },
        schema: reportSchema,
      });
      return Object.values(body)[0]?.vulnerabilities ?? [];
    },
  };
}

const CREATED = 201;

/** Without this header, Harbor reads a name that consists of digits as an id. */
const BY_NAME = { "x-is-resource-name": "true" };

const permissionsSchema = z.array(z.object({ resource: z.string(), action: z.string() }));

/** The account of a robot is no user: Harbor has no answer to it about itself. */
function isRobot({ username }: HarborSystem): boolean {
  return username.startsWith("robot$");
}

async function mayCreateProjects(http: Http, system: HarborSystem): Promise<boolean | undefined> {
  if (isRobot(system)) return undefined;
  const what = "read who may create projects";
  const info = z.object({ project_creation_restriction: z.string().optional() });
  const { body } = await http.get("/systeminfo", { what, schema: info });
  if (body.project_creation_restriction === "everyone") return true;
  const user = z.object({ sysadmin_flag: z.boolean().default(false) });
  return (await http.get("/users/current", { what, schema: user })).body.sysadmin_flag;
}

/** HEAD first: GET of an absent project answers 403 to everybody except administrators. */
async function findProject(http: Http, name: string): Promise<Project | undefined> {
  const what = `look for project ${name}`;
  const head = await http.head("/projects", { query: { project_name: name }, what, expect: [404] });
  if (!head.ok) return undefined;
  const { body } = await http.get(`/projects/${name}`, { headers: BY_NAME, schema: projectSchema, what });
  return body;
}

async function findArtifact(http: Http, system: string, path: string): Promise<Artifact | undefined> {
  const what = "look for the image";
  const answer = await http.get(path, {
    what,
    query: { with_scan_overview: true, with_tag: false },
    headers: { "x-accept-vulnerabilities": REPORT },
    schema: artifactSchema,
    expect: [404],
  });
  if (!answer.ok) {
    // Harbor's own 404 lists errors. One without comes from a proxy while Harbor starts, and says nothing about the image.
    if (isJsonObject(answer.body) && Array.isArray(answer.body.errors)) return undefined;
    throw new GantryError("system-unavailable", {
      system,
      what,
      problem: "status 404, but not from Harbor's API: is the address in `url:` right?",
    });
  }
  const { project_id, references, addition_links, scan_overview } = answer.body;
  return {
    projectId: project_id,
    scannable: addition_links?.vulnerabilities !== undefined,
    scan: Object.values(scan_overview ?? {})[0],
    children: (references ?? []).map(({ child_digest }) => child_digest),
  };
}

/** The repository name is encoded twice, because Harbor's router decodes it twice. */
function pathOf(project: string, repository: string, digest: string): string {
  const name = encodeURIComponent(encodeURIComponent(repository));
  return `/projects/${encodeURIComponent(project)}/repositories/${name}/artifacts/${digest}`;
}
