// Steps for SonarQube: analyse the sources with sonar-scanner, and wait for the verdict of the quality gate.

import { realpath } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonValue } from "@gantry/core/json.ts";
import type { SonarqubeSystem } from "@gantry/core/site/systems.ts";
import { failed, failureOf, type StepOutcome, succeeded, waiting } from "@gantry/core/step/outcome.ts";
import { defineStep, type StepContext, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { outlastRestart } from "../outlast.ts";
import { createSonarqube, type SonarqubeClient } from "./client.ts";
import { type BranchPlace, decideBranch } from "./decide-branch.ts";
import { decideGate, decideIntake, decideTask, type Subject } from "./decide-gate.ts";
import { scan } from "./scanner.ts";

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
  /** Branch of the sources. Without one, or with the main branch, the analysis is one of the main branch. */
  branch: z.string().min(1).max(255).optional(),
  mainBranch: z
    .string()
    .min(1)
    .max(255)
    .default("main")
    .describe("The branch that SonarQube's main branch stands for."),
  /** The app's version. A new version starts a new-code period where SonarQube counts by version, as it does by default. */
  version: z.string().min(1).max(100).optional(),
  /** Shown in SonarQube as the revision. */
  commit: z
    .string()
    .regex(/^[0-9a-f]{7,64}$/)
    .optional(),
  system,
});

const analyzeOutput = z.strictObject({ ceTask: z.string(), projectKey: z.string(), dashboardUrl: z.string() });
type AnalyzeOutput = z.output<typeof analyzeOutput>;

export const analyze = defineStep({
  name: "sonarqube/analyze",
  title: "Analyse the sources with SonarQube",
  input: analyzeInput,
  output: analyzeOutput,
  needs: ["sonarqube"],
  acts: ({ projectKey: key, system }) => [{ kind: "sonarqube-project", access: "change", key, system }],
  runsCode: true,
  effects: ["project", "analysis"],
  retry: USUAL_RETRY,
  timeoutMs: 30 * MINUTE_MS,
  plan: async (context) => {
    const { projectKey: key } = await placeOf(context, connect(context));
    const absent = (await connect(context).findProject(key)) === "absent";
    return [...(absent ? [`create the SonarQube project ${key}`] : []), `analyse the sources as ${key}`];
  },
  run: (context) => outlastRestart(context, (memo) => analyseOnce(context, memo)),
});

/** Number of analyses of this attempt of the step. */
const memoSchema = z.object({ analyses: z.int().min(1) });

async function analyseOnce(context: AnalyzeContext, memo: JsonValue | undefined): Promise<StepOutcome<AnalyzeOutput>> {
  const { analyses } = memo === undefined ? { analyses: 1 } : memoSchema.parse(memo);
  const directory = await folderOf(context);
  const sonarqube = connect(context);
  const place = await placeOf(context, sonarqube);
  if (memo === undefined) {
    tellPlace(context, place);
    await ensureProject(context, sonarqube, place.projectKey);
  }
  try {
    const { ceTask } = await context.effect({
      name: "analysis",
      ordinal: analyses - 1,
      what: `analyse the sources as ${place.projectKey}`,
      // An analysis whose task id was lost is made again: it says the same about the same commit.
      probe: async () => undefined,
      perform: () => scan(context, { ...context.input, ...place, system: systemOf(context), directory }),
    });
    const next = decideIntake(await sonarqube.ceTask(ceTask), analyses);
    if (next === "again") {
      const reason = "SonarQube canceled the analysis, as it does after a restart; it is made again";
      context.log(reason);
      return waiting(reason, LOOK_AGAIN_MS, { analyses: analyses + 1 });
    }
    if (next !== "done") return waiting(next.waitFor, LOOK_AGAIN_MS, { analyses });
    const { projectKey: key, branch } = place;
    return succeeded({ ceTask, projectKey: key, dashboardUrl: dashboardOf(context, key, branch) });
  } catch (error) {
    if (!(error instanceof GantryError) || error.code !== "script-failed") throw error;
    // A failure says something about the sources only while the server serves; else this throws.
    await sonarqube.findProject(place.projectKey);
    return failed(failureOf(error));
  }
}

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
  acts: ({ projectKey: key, system }) => [{ kind: "sonarqube-project", access: "read", key, system }],
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 30 * MINUTE_MS,
  plan: async () => [],
  run: (context) =>
    outlastRestart(context, async () => {
      const sonarqube = connect(context);
      const { projectKey: key } = context.input;
      const subject: Subject = { system: titleOf(context), projectKey: key, dashboardUrl: dashboardOf(context, key) };
      const task = await sonarqube.ceTask(context.input.ceTask);
      const next = decideTask(task, subject);
      if ("waitFor" in next) return waiting(next.waitFor, LOOK_AGAIN_MS);
      for (const warning of task?.warnings ?? []) context.log(`SonarQube warns: ${warning}`);
      const gate = await sonarqube.gate(next.analysis);
      const outcome = decideGate(gate, next.analysis, subject);
      const line = outcome.kind === "failed" ? outcome.failure.line : greenText(gate.conditions.length);
      context.log(`${line}: ${subject.dashboardUrl}`);
      return outcome;
    }),
});

type Context = StepContext<{ readonly projectKey: string; readonly system?: string | undefined }, "sonarqube">;
type AnalyzeContext = StepContext<z.output<typeof analyzeInput>, "sonarqube">;

function connect(context: Context): SonarqubeClient {
  return createSonarqube(systemOf(context), context.fetch, context.signal);
}

function systemOf(context: Context): SonarqubeSystem {
  return context.system("sonarqube", context.input.system);
}

function titleOf(context: Context): string {
  const { title, name } = systemOf(context);
  return title ?? name;
}

function dashboardOf(context: Context, key: string, branch?: string): string {
  const more = branch === undefined ? "" : `&branch=${encodeURIComponent(branch)}`;
  return `${systemOf(context).url}/dashboard?id=${encodeURIComponent(key)}${more}`;
}

function greenText(conditions: number): string {
  if (conditions > 0) return "the quality gate is green";
  return "the quality gate is green, but nothing was judged: it is the first analysis, or there is no new code to judge";
}

/** With all links followed: a script may have left one that leads out of the workspace. */
async function folderOf({ workspace, input }: AnalyzeContext): Promise<string> {
  const root = await realpath(workspace);
  const directory = await realpath(resolve(root, input.directory)).catch(() => undefined);
  // Below the workspace's own address, by which confined programs know it.
  if (directory === root || directory?.startsWith(root + sep)) return join(workspace, relative(root, directory));
  throw new GantryError("bad-input", {
    step: analyze.name,
    problem: "directory: must be a folder inside the workspace",
  });
}

async function placeOf({ input }: AnalyzeContext, sonarqube: SonarqubeClient): Promise<BranchPlace> {
  const { projectKey: key, branch, mainBranch } = input;
  const isMain = decideBranch(key, branch, mainBranch, true).branch === undefined;
  return decideBranch(key, branch, mainBranch, isMain || (await sonarqube.hasBranches()));
}

function tellPlace({ input, log }: AnalyzeContext, place: BranchPlace): void {
  if (place.projectKey !== input.projectKey) {
    log(`this SonarQube analyses main branches only: ${input.branch} is analysed as the project ${place.projectKey}`);
  } else if (input.branch === undefined) {
    log(
      `no branch is given (sonar.branch.name is not set): this is an analysis of the main branch of ${place.projectKey}`,
    );
  }
}

/** A project that this token may not see is left to the scanner, which says what is missing. */
async function ensureProject(context: AnalyzeContext, sonarqube: SonarqubeClient, key: string): Promise<void> {
  const found = await sonarqube.findProject(key);
  if (found === "hidden") context.log(`the token may not browse ${key}: it is expected to exist`);
  if (found !== "absent") return;
  const name = context.input.projectName ?? context.input.projectKey;
  await context.effect({
    name: "project",
    what: `create the SonarQube project ${key}`,
    probe: async () => ((await sonarqube.findProject(key)) === "absent" ? undefined : { key }),
    perform: async () => {
      await sonarqube.createProject(key, key === context.input.projectKey ? name : `${name} (${context.input.branch})`);
      return { key };
    },
  });
}
