// Steps for SonarQube: analyse the sources with the scanner, and wait for the verdict of the quality gate.

import { readFile, rm } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { failed, failureOf, succeeded, waiting } from "@gantry/core/step/outcome.ts";
import { defineStep, type StepContext, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { createSonarqube, type SonarqubeClient } from "./client.ts";
import { decideGate, decideTask, type Subject } from "./decide-gate.ts";
import { parseReportTask } from "./report-task.ts";

const MINUTE_MS = 60_000;
const LOOK_AGAIN_MS = 2_000;

const system = z.string().min(1).optional();
const projectKey = z
  .string()
  .max(400)
  .regex(/^[A-Za-z0-9_.:-]*[A-Za-z_.:-][A-Za-z0-9_.:-]*$/, "must be letters, digits, - _ . : and not only digits");

const analyzeInput = z.strictObject({
  projectKey,
  projectName: z.string().min(1).max(500).optional(),
  directory: z.string().default("."),
  /** Shown in SonarQube as version and revision. */
  commit: z
    .string()
    .regex(/^[0-9a-f]{7,64}$/)
    .optional(),
  system,
});

export const analyze = defineStep({
  name: "sonarqube/analyze",
  title: "Analyse the sources with SonarQube",
  input: analyzeInput,
  output: z.strictObject({ ceTask: z.string(), projectKey: z.string(), dashboardUrl: z.string() }),
  needs: ["sonarqube"],
  effects: ["project", "analysis"],
  retry: USUAL_RETRY,
  timeoutMs: 30 * MINUTE_MS,
  plan: async (context) => {
    const { projectKey: key } = context.input;
    const create = (await connect(context).projectExists(key)) ? [] : [`create the SonarQube project ${key}`];
    return [...create, `analyse the sources as ${key}`];
  },
  run: async (context) => {
    const { projectKey: key, projectName } = context.input;
    const directory = folderOf(context);
    const sonarqube = connect(context);
    if (!(await sonarqube.projectExists(key))) {
      await context.effect({
        name: "project",
        what: `create the SonarQube project ${key}`,
        probe: async () => ((await sonarqube.projectExists(key)) ? { key } : undefined),
        perform: async () => {
          await sonarqube.createProject(key, projectName ?? key);
          return { key };
        },
      });
    }
    try {
      const { ceTask } = await context.effect({
        name: "analysis",
        what: `analyse the sources as ${key}`,
        // An analysis whose task id was lost is made again: it says the same about the same commit.
        probe: async () => undefined,
        perform: () => scan(context, directory),
      });
      return succeeded({ ceTask, projectKey: key, dashboardUrl: dashboardOf(context) });
    } catch (error) {
      // Address, token and project were good a moment ago: what the scanner refuses now is about the sources.
      if (error instanceof GantryError && error.code === "script-failed") return failed(failureOf(error));
      throw error;
    }
  },
});

export const qualityGate = defineStep({
  name: "sonarqube/quality-gate",
  title: "Wait for the quality gate",
  input: z.strictObject({ ceTask: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/), projectKey, system }),
  output: z.strictObject({
    status: z.string(),
    analysis: z.string(),
    conditions: z.array(
      z.strictObject({
        metric: z.string(),
        status: z.string(),
        actual: z.string(),
        comparator: z.string(),
        threshold: z.string(),
      }),
    ),
    dashboardUrl: z.string(),
  }),
  needs: ["sonarqube"],
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 30 * MINUTE_MS,
  plan: async () => [],
  run: async (context) => {
    const sonarqube: SonarqubeClient = connect(context);
    const subject: Subject = {
      system: titleOf(context),
      projectKey: context.input.projectKey,
      dashboardUrl: dashboardOf(context),
    };
    const task = await sonarqube.ceTask(context.input.ceTask);
    const next = decideTask(task, subject);
    if ("waitFor" in next) return waiting(next.waitFor, LOOK_AGAIN_MS);
    for (const warning of task?.warnings ?? []) context.log(`SonarQube warns: ${warning}`);
    const outcome = decideGate(await sonarqube.gate(next.analysis), next.analysis, subject);
    context.log(
      `${outcome.kind === "failed" ? outcome.failure.line : "the quality gate is green"}: ${subject.dashboardUrl}`,
    );
    return outcome;
  },
});

type Context = StepContext<{ readonly projectKey: string; readonly system?: string | undefined }, "sonarqube">;

function connect(context: Context): SonarqubeClient {
  return createSonarqube(context.system("sonarqube", context.input.system), context.fetch, context.signal);
}

function titleOf(context: Context): string {
  const { title, name } = context.system("sonarqube", context.input.system);
  return title ?? name;
}

function dashboardOf(context: Context): string {
  const { url } = context.system("sonarqube", context.input.system);
  return `${url}/dashboard?id=${encodeURIComponent(context.input.projectKey)}`;
}

type AnalyzeContext = StepContext<z.infer<typeof analyzeInput>, "sonarqube">;

function folderOf({ workspace, input }: AnalyzeContext): string {
  const directory = resolve(workspace, input.directory);
  if (directory === workspace || directory.startsWith(workspace + sep)) return directory;
  throw new GantryError("bad-input", { step: analyze.name, problem: "directory: must be inside the workspace" });
}

/**
 * Runs the scanner and reads where its report went. The token goes by environment, because arguments are visible to
 * everybody on the machine. The address goes by argument: a properties file among the sources must not send the token
 * elsewhere.
 */
async function scan(context: AnalyzeContext, directory: string): Promise<{ ceTask: string }> {
  const { projectKey: key, projectName, commit } = context.input;
  const { url, token } = context.system("sonarqube", context.input.system);
  const settings: Record<string, string | undefined> = {
    "sonar.host.url": url,
    "sonar.working.directory": ".scannerwork",
    "sonar.projectKey": key,
    "sonar.projectName": projectName,
    "sonar.projectVersion": commit,
    "sonar.scm.revision": commit,
    // Comes back in the webhook of SonarQube, so that it finds this task without a lookup.
    "sonar.analysis.runId": context.task.id,
  };
  const options = Object.entries(settings).flatMap(([name, value]) =>
    value === undefined ? [] : [`-D${name}=${value}`],
  );
  const work = join(directory, ".scannerwork");
  await rm(work, { recursive: true, force: true });
  const env = { SONAR_TOKEN: token, SONAR_HOST_URL: url, SONAR_USER_HOME: join(context.cache, "sonar") };
  const { exitCode } = await context.exec(["sonar-scanner", ...options], { cwd: directory, env });
  if (exitCode !== 0) {
    throw new GantryError("script-failed", { exit: exitCode, problem: "sonar-scanner could not analyse the sources." });
  }
  const report = parseReportTask(await readReport(join(work, "report-task.txt")));
  // What the scanner leaves behind must come into no image and no commit.
  await rm(work, { recursive: true, force: true });
  if (report.projectKey === key) return { ceTask: report.ceTaskId };
  const problem = `it analysed the project ${report.projectKey}`;
  throw new GantryError("system-strange", { system: "sonar-scanner", what: `analyse ${key}`, problem });
}

async function readReport(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).slice(0, 64 * 1024);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const problem = "it ended well and left no .scannerwork/report-task.txt";
    throw new GantryError("system-strange", { system: "sonar-scanner", what: "analyse the sources", problem });
  }
}
