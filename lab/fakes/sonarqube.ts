// Fake SonarQube: projects, background tasks that take a moment, and one quality gate that judges what the
// fake scanner found. `POST /api/ce/submit` is SonarQube's internal address for scanners.

import { randomBytes, randomUUID } from "node:crypto";
import Router from "@koa/router";
import type Koa from "koa";
import { z } from "zod";
import {
  Answer,
  type FakeServer,
  type FakeServerOptions,
  openState,
  readBytes,
  readJson,
  serve,
} from "./fake-server.ts";
import { fakePage } from "./page.ts";

export type SonarqubeOptions = FakeServerOptions & {
  /** A user token with all rights. */
  readonly token: string;
  /** More tokens, each with these rights and no others. */
  readonly tokens?: readonly { readonly token: string; readonly rights: readonly Right[] }[];
  /** How long a task waits in the queue, and how long it then runs. */
  readonly queueMs?: number;
  readonly runMs?: number;
  /**
   * 9.9 refuses Bearer with 401, has other ids, and lists warnings only when asked. Both take the token as the user name of
   * Basic.
   */
  readonly release?: "9.9" | "25.12";
  /** `new-code`: judges what is new since the last analysis of the version before, as the default gate does. */
  readonly gate?: "overall" | "new-code";
  /** Developer Edition or a plugin; Community Edition refuses an analysis of a branch. */
  readonly branches?: boolean;
};
export type Right = "scan" | "create" | "browse";

const report = z.object({
  properties: z.record(z.string(), z.string()),
  measures: z.object({
    files: z.number(),
    ncloc: z.number(),
    violations: z.number(),
    coverage: z.number().optional(),
    issues: z.array(z.string()).default([]),
  }),
});
type Report = z.infer<typeof report>;
type Project = { key: string; name: string };
type Task = {
  id: string;
  analysis: string;
  project: string;
  branch?: string | undefined;
  submittedMs: number;
  report: Report;
  /** It was being processed when SonarQube went down. */
  canceled?: boolean;
};
type State = { projects: Project[]; tasks: Task[] };

/** The gate `overall`: a FIXME is a violation, and coverage counts when it was measured. */
const GATE = [
  { metricKey: "violations", comparator: "GT", errorThreshold: "0" },
  { metricKey: "coverage", comparator: "LT", errorThreshold: "80" },
] as const;
const NEW_CODE_GATE = { metricKey: "new_violations", comparator: "GT", errorThreshold: "0" } as const;
/** Conditions that are not judged while there are fewer than 20 new lines. */
const FEW_LINES = [
  { metricKey: "new_coverage", comparator: "LT", errorThreshold: "80", status: "OK", actualValue: "0.0" },
  {
    metricKey: "new_duplicated_lines_density",
    comparator: "GT",
    errorThreshold: "3",
    status: "OK",
    actualValue: "0.0",
  },
] as const;

/** Sources that set the property `lab.ceTask` to FAILED or CANCELED get a task that ends so. */
export async function startSonarqube(options: SonarqubeOptions): Promise<FakeServer> {
  const { state, save } = openState<State>(options, () => ({ projects: [], tasks: [] }));
  const fake: FakeSonarqube = { options, state, save };
  const server = await serve(options, (router) => {
    router.get("/api/system/status", (ctx) => {
      ctx.body = { id: "LAB", version: `${options.release ?? "26.7"}.0`, status: "UP" };
    });
    const api = new Router({ prefix: "/api" });
    api.use(async (ctx, next) => {
      ctx.state.rights = rightsOf(options, ctx.get("authorization"));
      await next();
    });
    api.get("/users/current", (ctx) => {
      const rights = ctx.state.rights as readonly Right[];
      const global = rights.flatMap((one) => (one === "scan" ? ["scan"] : one === "create" ? ["provisioning"] : []));
      ctx.body = { isLoggedIn: true, login: "gantry", name: "Gantry", groups: [], permissions: { global } };
    });
    api.get("/features/list", (ctx) => {
      ctx.body = options.branches === true ? ["branch"] : [];
    });
    addProjects(api, fake);
    addTasks(api, fake);
    addGate(api, fake);
    api.all("/*path", (ctx) => {
      const other = api.stack.find(({ path, methods }) => path === ctx.path && methods.length > 0);
      if (other === undefined) throw complaint(404, `Unknown url : ${ctx.path}`);
      throw complaint(405, `HTTP method ${other.methods.includes("GET") ? "GET" : "POST"} is required`);
    });
    router.use(api.routes());
    addPages(router, fake);
  });
  return {
    ...server,
    close: async () => {
      // A task that was being processed is canceled when SonarQube starts again; one in the queue is not.
      const running = state.tasks.filter((task) => statusOf(fake, task) === "IN_PROGRESS");
      for (const task of running) task.canceled = true;
      if (running.length > 0) save();
      await server.close();
    },
  };
}

type FakeSonarqube = { readonly options: SonarqubeOptions; readonly state: State; readonly save: () => void };

function addProjects(api: Router, { state, save }: FakeSonarqube): void {
  api.get("/components/show", (ctx) => {
    const { key, name } = projectOf(state, parameter(ctx.query, "component"));
    need(ctx, "browse");
    ctx.body = { component: { key, name, qualifier: "TRK", visibility: "private" }, ancestors: [] };
  });
  const form = z.record(z.string(), z.string());
  api.post("/projects/create", async (ctx) => {
    need(ctx, "create");
    const given = form.parse(await readJson(ctx));
    const [name, key] = [parameter(given, "name"), parameter(given, "project")];
    if (!/^[\w.:-]*[A-Za-z_.:-][\w.:-]*$/.test(key)) {
      const allowed = "Allowed characters are alphanumeric, '-', '_', '.' and ':', with at least one non-digit.";
      throw complaint(400, `Malformed key for Project: '${key}'. ${allowed}`);
    }
    // Unlike the search, this check ignores case.
    const similar = state.projects.find((one) => one.key.toLowerCase() === key.toLowerCase());
    if (similar) {
      const text = `Could not create Project with key: "${key}". A similar key already exists: "${similar.key}"`;
      throw complaint(400, text);
    }
    state.projects.push({ key, name });
    save();
    ctx.body = { project: { key, name, qualifier: "TRK", visibility: "private" } };
  });
}

function addTasks(api: Router, fake: FakeSonarqube): void {
  const { state, save } = fake;
  api.post("/ce/submit", async (ctx) => {
    need(ctx, "scan");
    const branch = branchOf(ctx.query.characteristic);
    if (branch !== undefined && fake.options.branches !== true) {
      throw complaint(400, 'To use the property "sonar.branch.name", Developer Edition or above is required');
    }
    const key = String(ctx.query.projectKey ?? "");
    const form = await new Response(new Uint8Array(await readBytes(ctx)), {
      headers: { "content-type": ctx.get("content-type") },
    }).formData();
    const file = form.get("report");
    if (key === "" || file === null) throw complaint(400, "The 'projectKey' and 'report' parameters are needed");
    const parsed = report.safeParse(JSON.parse(typeof file === "string" ? file : await file.text()));
    if (!parsed.success) throw complaint(400, "The report was not written by the fake scanner");
    if (!state.projects.some((one) => one.key === key)) {
      need(ctx, "create");
      state.projects.push({ key, name: String(ctx.query.projectName ?? key) });
    }
    const task: Task = {
      id: newId(fake.options),
      analysis: newId(fake.options),
      project: key,
      ...(branch === undefined ? {} : { branch }),
      submittedMs: Date.now(),
      report: parsed.data,
    };
    state.tasks.push(task);
    save();
    ctx.body = { taskId: task.id, projectId: key };
  });
  api.get("/ce/task", (ctx) => {
    need(ctx, "scan");
    const id = parameter(ctx.query, "id");
    const task = state.tasks.find((one) => one.id === id);
    if (!task) throw complaint(404, `No activity found for task '${id}'`);
    const status = statusOf(fake, task);
    const { name: componentName } = projectOf(state, task.project);
    const common = { id: task.id, type: "REPORT", componentKey: task.project, componentName, status };
    const times = { submittedAt: time(task.submittedMs), hasScannerContext: true, warningCount: 0 };
    const asked = fake.options.release !== "9.9" || ctx.query.additionalFields === "warnings";
    const end = status === "SUCCESS" ? { analysisId: task.analysis } : {};
    const why = status === "FAILED" ? { errorMessage: "the lab was asked to fail this task" } : {};
    ctx.body = { task: { ...common, ...times, ...(asked ? { warnings: [] } : {}), ...end, ...why } };
  });
}

function addGate(api: Router, fake: FakeSonarqube): void {
  api.get("/qualitygates/project_status", (ctx) => {
    // A token that may only scan may also read the verdict on its scans.
    if (!(ctx.state.rights as readonly Right[]).includes("scan")) need(ctx, "browse");
    const { analysisId, projectKey } = ctx.query;
    if (analysisId === undefined && projectKey === undefined) {
      throw complaint(400, "Either 'analysisId', 'projectId' or 'projectKey' must be provided");
    }
    const isKnown = fake.state.projects.some(({ key }) => key === projectKey);
    if (analysisId === undefined && !isKnown) throw complaint(404, `Project '${String(projectKey)}' not found`);
    const done = fake.state.tasks.filter((one) => statusOf(fake, one) === "SUCCESS");
    const task = done.findLast((one) => one.analysis === analysisId || one.project === projectKey);
    if (!task && analysisId !== undefined)
      throw complaint(404, `Analysis with id '${String(analysisId)}' is not found`);
    const none = { status: "NONE", conditions: [], caycStatus: "compliant" };
    ctx.body = { projectStatus: task === undefined ? none : verdictOf(fake, task) };
  });
}

type Verdict = {
  readonly status: "OK" | "ERROR";
  readonly conditions: readonly {
    readonly metricKey: string;
    readonly comparator: string;
    readonly errorThreshold: string;
    readonly status: "OK" | "ERROR";
    readonly actualValue: string;
  }[];
  readonly ignoredConditions: boolean;
  readonly caycStatus: string;
};

function verdictOf(fake: FakeSonarqube, task: Task): Verdict {
  const { measures } = task.report;
  const conditions =
    fake.options.gate === "new-code"
      ? newCodeOf(fake.state, task).flatMap((count) => [...FEW_LINES, conditionOf(NEW_CODE_GATE, count)])
      : GATE.flatMap((one) => {
          const actual = measures[one.metricKey];
          return actual === undefined ? [] : [conditionOf(one, actual)];
        });
  const status = conditions.some((one) => one.status === "ERROR") ? "ERROR" : "OK";
  const ignoredConditions = fake.options.gate === "new-code" && conditions.length > 0;
  return { status, conditions, ignoredConditions, caycStatus: "compliant" };
}

function conditionOf(
  condition: (typeof GATE)[number] | typeof NEW_CODE_GATE,
  actual: number,
): Verdict["conditions"][number] {
  const threshold = Number(condition.errorThreshold);
  const bad = condition.comparator === "GT" ? actual > threshold : actual < threshold;
  return { ...condition, status: bad ? "ERROR" : "OK", actualValue: String(actual) };
}

/**
 * How many issues are new: not there when the new-code period began, which is at the last analysis of the version before, or
 * at the first analysis when there is only one version. Empty at a first analysis, which has no new code.
 */
function newCodeOf({ tasks }: State, task: Task): readonly number[] {
  const versionOf = ({ report }: Task): string => report.properties["sonar.projectVersion"] ?? "not provided";
  const same = tasks.filter((one) => one.project === task.project && one.branch === task.branch);
  const before = same.slice(0, same.indexOf(task));
  const start = before.findLast((one) => versionOf(one) !== versionOf(task)) ?? before[0];
  if (!start) return [];
  const known = new Set(start.report.measures.issues);
  return [task.report.measures.issues.filter((one) => !known.has(one)).length];
}

function addPages(router: Router, fake: FakeSonarqube): void {
  const { state } = fake;
  router.get("/", (ctx) => {
    const links = state.projects.map(({ key, name }) => [name, `/dashboard?id=${encodeURIComponent(key)}`] as const);
    ctx.type = "html";
    ctx.body = fakePage("SonarQube", "Projects", [], links);
  });
  router.get("/dashboard", (ctx) => {
    const key = String(ctx.query.id ?? "");
    const project = state.projects.find((one) => one.key === key);
    if (!project) return ctx.throw(404);
    const done = state.tasks.filter((one) => one.project === key && statusOf(fake, one) === "SUCCESS");
    const last = done.at(-1);
    const verdict = last && verdictOf(fake, last);
    const rows: [string, string][] = [
      ["Quality gate", verdict ? (verdict.status === "OK" ? "Passed" : "Failed") : "not analysed yet"],
    ];
    for (const one of verdict?.conditions ?? []) {
      rows.push([one.metricKey, `${one.actualValue} (${one.status}; ${one.comparator} ${one.errorThreshold} is bad)`]);
    }
    if (last) {
      rows.push(["Lines of code", String(last.report.measures.ncloc)]);
      rows.push(["Revision", last.report.properties["sonar.scm.revision"] ?? "not given"]);
      rows.push(["Run", last.report.properties["sonar.analysis.runId"] ?? "not given"]);
    }
    ctx.type = "html";
    ctx.body = fakePage("SonarQube", project.name, rows, [["All projects", "/"]]);
  });
}

function statusOf(
  { options }: FakeSonarqube,
  task: Task,
): "PENDING" | "IN_PROGRESS" | "SUCCESS" | "FAILED" | "CANCELED" {
  if (task.canceled === true) return "CANCELED";
  const { queueMs = 400, runMs = 800 } = options;
  const ageMs = Date.now() - task.submittedMs;
  if (ageMs < queueMs) return "PENDING";
  if (ageMs < queueMs + runMs) return "IN_PROGRESS";
  const asked = task.report.properties["lab.ceTask"];
  return asked === "FAILED" || asked === "CANCELED" ? asked : "SUCCESS";
}

/** The rights of the caller; 401 for an unknown token, and for Bearer at 9.9. */
function rightsOf({ token, tokens = [], release }: SonarqubeOptions, authorization: string): readonly Right[] {
  const all: readonly Right[] = ["scan", "create", "browse"];
  const found = [{ token, rights: all }, ...tokens].find((one) => {
    const basic = `Basic ${Buffer.from(`${one.token}:`).toString("base64")}`;
    return authorization === basic || (release !== "9.9" && authorization === `Bearer ${one.token}`);
  });
  if (!found) throw new Answer(401, "");
  return found.rights;
}

function need(ctx: Koa.Context, right: Right): void {
  if (!(ctx.state.rights as readonly Right[]).includes(right)) throw complaint(403, "Insufficient privileges");
}

function branchOf(characteristic: string | string[] | undefined): string | undefined {
  const texts = [characteristic ?? []].flat();
  return texts.find((one) => one.startsWith("branch="))?.slice("branch=".length);
}

function newId({ release }: SonarqubeOptions): string {
  return release === "9.9" ? `AaIo${randomBytes(12).toString("base64url")}` : randomUUID();
}

/** As SonarQube refuses a request that lacks it. */
function parameter(given: { readonly [name: string]: unknown }, name: string): string {
  const value = given[name];
  if (typeof value !== "string" || value === "") throw complaint(400, `The '${name}' parameter is missing`);
  return value;
}

function projectOf(state: State, key: string): Project {
  const found = state.projects.find((one) => one.key === key);
  if (!found) throw complaint(404, `Component key '${key}' not found`);
  return found;
}

function complaint(status: number, msg: string): Answer {
  return new Answer(status, { errors: [{ msg }] });
}

/** As SonarQube writes times: 2026-01-02T03:04:05+0000. */
function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}+0000`;
}
