// Fake SonarQube: projects, background tasks that take a moment, and one quality gate that judges what the
// fake scanner found. `POST /api/ce/submit` is SonarQube's internal address for scanners.

import Router from "@koa/router";
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
  /** The only token; taken as Bearer, or as the user name of Basic. */
  readonly token: string;
  /** How long a task waits in the queue, and how long it then runs. */
  readonly queueMs?: number;
  readonly runMs?: number;
};

const report = z.object({
  properties: z.record(z.string(), z.string()),
  measures: z.object({ files: z.number(), ncloc: z.number(), violations: z.number(), coverage: z.number().optional() }),
});
type Report = z.infer<typeof report>;
type Project = { key: string; name: string };
type Task = { id: string; analysis: string; project: string; submittedMs: number; report: Report };
type State = { nextId: number; projects: Project[]; tasks: Task[] };

/** The gate of the lab: a FIXME is a violation, and coverage counts when it was measured. */
const GATE = [
  { metricKey: "violations", comparator: "GT", errorThreshold: "0" },
  { metricKey: "coverage", comparator: "LT", errorThreshold: "80" },
] as const;

/** Sources that set the property `lab.ceTask` to FAILED or CANCELED get a task that ends so. */
export async function startSonarqube(options: SonarqubeOptions): Promise<FakeServer> {
  const { state, save } = openState<State>(options, () => ({ nextId: 1, projects: [], tasks: [] }));
  const world: World = { options, state, save };
  return serve(options, (router) => {
    router.get("/api/system/status", (ctx) => {
      ctx.body = { id: "LAB", version: "26.7.0", status: "UP" };
    });
    const api = new Router({ prefix: "/api" });
    api.use(async (ctx, next) => {
      if (!known(options, ctx.get("authorization"))) throw new Answer(401, "");
      await next();
    });
    addProjects(api, world);
    addTasks(api, world);
    addGate(api, world);
    router.use(api.routes());
    addPages(router, world);
  });
}

type World = { readonly options: SonarqubeOptions; readonly state: State; readonly save: () => void };

function addProjects(api: Router, { state, save }: World): void {
  api.get("/components/show", (ctx) => {
    const key = String(ctx.query.component ?? "");
    const { name } = projectOf(state, key);
    ctx.body = { component: { key, name, qualifier: "TRK", visibility: "private" }, ancestors: [] };
  });
  const input = z.object({ project: z.string().max(400), name: z.string().min(1) });
  api.post("/projects/create", async (ctx) => {
    const parsed = input.safeParse(await readJson(ctx));
    if (!parsed.success) throw complaint(400, "The 'project' and 'name' parameters are needed");
    const { project: key, name } = parsed.data;
    if (!/^[\w.:-]*[A-Za-z_.:-][\w.:-]*$/.test(key)) throw complaint(400, `Malformed key for Project: '${key}'.`);
    // Unlike the search, this check does not mind capitals.
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

function addTasks(api: Router, world: World): void {
  const { state, save } = world;
  api.post("/ce/submit", async (ctx) => {
    const key = String(ctx.query.projectKey ?? "");
    const form = await new Response(new Uint8Array(await readBytes(ctx)), {
      headers: { "content-type": ctx.get("content-type") },
    }).formData();
    const file = form.get("report");
    if (key === "" || file === null) throw complaint(400, "The 'projectKey' and 'report' parameters are needed");
    const parsed = report.safeParse(JSON.parse(typeof file === "string" ? file : await file.text()));
    if (!parsed.success) throw complaint(400, "The report was not written by the fake scanner");
    if (!state.projects.some((one) => one.key === key)) {
      state.projects.push({ key, name: String(ctx.query.projectName ?? key) });
    }
    const number = state.nextId++;
    const task: Task = {
      id: `lab-task-${number}`,
      analysis: `lab-analysis-${number}`,
      project: key,
      submittedMs: Date.now(),
      report: parsed.data,
    };
    state.tasks.push(task);
    save();
    ctx.body = { taskId: task.id, projectId: key };
  });
  api.get("/ce/task", (ctx) => {
    const task = state.tasks.find((one) => one.id === ctx.query.id);
    if (!task) throw complaint(404, `No activity found for task '${String(ctx.query.id)}'`);
    const status = statusOf(world, task);
    const common = { id: task.id, type: "REPORT", componentKey: task.project, componentName: task.project, status };
    const times = { submittedAt: time(task.submittedMs), hasScannerContext: true, warningCount: 0, warnings: [] };
    const end = status === "SUCCESS" ? { analysisId: task.analysis } : {};
    const why = status === "FAILED" ? { errorMessage: "the lab was asked to fail this task" } : {};
    ctx.body = { task: { ...common, ...times, ...end, ...why } };
  });
}

function addGate(api: Router, world: World): void {
  api.get("/qualitygates/project_status", (ctx) => {
    const { analysisId, projectKey } = ctx.query;
    const done = world.state.tasks.filter((one) => statusOf(world, one) === "SUCCESS");
    const task = done.findLast((one) => one.analysis === analysisId || one.project === projectKey);
    if (!task) throw complaint(404, `Analysis with id '${String(analysisId)}' is not found`);
    ctx.body = { projectStatus: judge(task.report) };
  });
}

type Verdict = {
  readonly status: "OK" | "ERROR";
  readonly conditions: readonly ((typeof GATE)[number] & {
    readonly status: "OK" | "ERROR";
    readonly actualValue: string;
  })[];
  readonly ignoredConditions: boolean;
  readonly caycStatus: string;
};

function judge({ measures }: Report): Verdict {
  const conditions = GATE.flatMap((one) => {
    const actual = measures[one.metricKey];
    if (actual === undefined) return [];
    const threshold = Number(one.errorThreshold);
    const bad = one.comparator === "GT" ? actual > threshold : actual < threshold;
    return [{ ...one, status: bad ? ("ERROR" as const) : ("OK" as const), actualValue: String(actual) }];
  });
  const status = conditions.some((one) => one.status === "ERROR") ? "ERROR" : "OK";
  return { status, conditions, ignoredConditions: false, caycStatus: "compliant" };
}

function addPages(router: Router, world: World): void {
  const { state } = world;
  router.get("/", (ctx) => {
    const links = state.projects.map(({ key, name }) => [name, `/dashboard?id=${encodeURIComponent(key)}`] as const);
    ctx.type = "html";
    ctx.body = fakePage("SonarQube", "Projects", [], links);
  });
  router.get("/dashboard", (ctx) => {
    const key = String(ctx.query.id ?? "");
    const project = state.projects.find((one) => one.key === key);
    if (!project) return ctx.throw(404);
    const done = state.tasks.filter((one) => one.project === key && statusOf(world, one) === "SUCCESS");
    const last = done.at(-1);
    const verdict = last && judge(last.report);
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

function statusOf({ options }: World, task: Task): "PENDING" | "IN_PROGRESS" | "SUCCESS" | "FAILED" | "CANCELED" {
  const { queueMs = 400, runMs = 800 } = options;
  const ageMs = Date.now() - task.submittedMs;
  if (ageMs < queueMs) return "PENDING";
  if (ageMs < queueMs + runMs) return "IN_PROGRESS";
  const asked = task.report.properties["lab.ceTask"];
  return asked === "FAILED" || asked === "CANCELED" ? asked : "SUCCESS";
}

function known({ token }: SonarqubeOptions, authorization: string): boolean {
  const basic = `Basic ${Buffer.from(`${token}:`).toString("base64")}`;
  return authorization === `Bearer ${token}` || authorization === basic;
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
