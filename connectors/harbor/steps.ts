// Steps for Harbor: ensure the project that images are pushed to, and wait for the vulnerability scan.

import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonValue } from "@gantry/core/json.ts";
import type { HarborSystem } from "@gantry/core/site/systems.ts";
import { failed, failureOf, type StepOutcome, succeeded, waiting } from "@gantry/core/step/outcome.ts";
import { defineStep, type StepContext, type TaskFacts, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { isRepositoryName } from "../oci/reference.ts";
import { outlastRestart } from "../outlast.ts";
import { createHarbor, type HarborClient, type Project } from "./client.ts";
import {
  countFindings,
  decideScan,
  lineOf,
  type ScanMemo,
  type Summary,
  THRESHOLDS,
  violating,
} from "./decide-scan.ts";

const projectName = z
  .string()
  .regex(/^[a-z0-9]+(?:[._-][a-z0-9]+)*$/, "must be a Harbor project name")
  .max(255);

const ensureInput = z.strictObject({
  project: projectName,
  system: z.string().optional().describe("Which Harbor, where the site has several."),
  public: z.boolean().default(false).describe("Everybody may pull."),
  autoScan: z.boolean().default(true).describe("Scan every image when it is pushed."),
});
const ensureOutput = z.object({ project: z.string(), created: z.boolean() });

/** An existing project is used unchanged, whoever created it: its settings belong to its owner. */
export const ensureProject = defineStep<z.output<typeof ensureInput>, z.output<typeof ensureOutput>, "harbor">({
  name: "harbor/ensure-project",
  title: "Ensure the Harbor project",
  input: ensureInput,
  output: ensureOutput,
  needs: ["harbor"],
  acts: ({ project, system }) => [{ kind: "image-project", access: "create", project, system }],
  effects: ["create-project"],
  retry: USUAL_RETRY,
  timeoutMs: 15 * 60_000,
  plan: async (context) => {
    const { project, system } = context.input;
    const harbor = context.system("harbor", system);
    const found = await createHarbor(harbor, context).findProject(project);
    return found ? [] : [`Create the project ${project} in ${titleOf(harbor)}.`];
  },
  run: (context) =>
    outlastRestart(context, async () => {
      const { project, autoScan } = context.input;
      const harbor = context.system("harbor", context.input.system);
      const client = createHarbor(harbor, context);
      const metadata = { public: String(context.input.public), auto_scan: String(autoScan) };
      const { created } = await context.effect({
        name: "create-project",
        what: `create the project ${project} in ${titleOf(harbor)}`,
        // The effect was begun and may be done: a project that our account created after the task was requested is ours.
        probe: async () => {
          const found = await client.findProject(project);
          if (!found) return undefined;
          return { created: isOurs(found, harbor, context.task) };
        },
        perform: async () => ({ created: await client.createProject(project, metadata) }),
      });
      context.log(created ? `created the project ${project}` : `the project ${project} exists`);
      return succeeded({ project, created });
    }),
  undo: {
    find: async (context) => {
      const { project, system } = context.input;
      const harbor = context.system("harbor", system);
      const found = await createHarbor(harbor, context).findProject(project);
      if (found === undefined) return `there is no project ${project}`;
      if (isOurs(found, harbor, context.task)) return { project, created: true };
      return `the project ${project} stays: task ${context.task.id} may have made it, but it is older or of another account`;
    },
    remove: async (context, { project, created }) => {
      if (!created) return;
      const client = createHarbor(context.system("harbor", context.input.system), context);
      const gone = await client.deleteProject(project);
      context.log(gone ? `deleted the project ${project}` : `kept the project ${project}: it holds images`);
    },
  },
});

/** Our account created it after the task was requested. */
function isOurs(
  { owner_name, creation_time }: Project,
  { username }: HarborSystem,
  { requestedAtMs }: TaskFacts,
): boolean {
  return owner_name === username && Date.parse(creation_time ?? "") >= requestedAtMs;
}

const scanInput = z.strictObject({
  repository: z
    .string()
    .refine((name) => isRepositoryName(name) && name.includes("/"), "must be project/name in lower case"),
  digest: z.string().regex(/^sha256:[a-f0-9]{64}$/, "must be a sha256 digest"),
  failOn: z.enum(THRESHOLDS).default("critical").describe("The lowest severity that stops the delivery."),
  system: z.string().optional(),
});
const scanOutput = z.object({
  severity: z.string(),
  total: z.int(),
  fixable: z.int(),
  counts: z.record(z.string(), z.int()),
  reportUrl: z.string(),
});
type ScanInput = z.output<typeof scanInput>;
type ScanOutput = z.output<typeof scanOutput>;
type ScanContext = StepContext<ScanInput, "harbor">;

/**
 * Starting a scan is not recorded as an effect: Harbor treats a second request as the same scan, and leaves nothing to undo.
 */
export const waitForScan = defineStep<ScanInput, ScanOutput, "harbor">({
  name: "harbor/wait-for-scan",
  title: "Wait for the vulnerability scan",
  input: scanInput,
  output: scanOutput,
  needs: ["harbor"],
  acts: ({ repository, system }) => [{ kind: "image", access: "read", repository, system }],
  effects: [],
  retry: { max: 3, delayMs: 2_000, maxDelayMs: 20_000 },
  timeoutMs: 20 * 60_000,
  plan: async ({ input }) => [
    `Wait for the scan of ${input.repository} and stop at a ${input.failOn === "none" ? "failing scan" : `${input.failOn} finding`}.`,
  ],
  run: (context) =>
    outlastRestart(context, async (given, outageMs) => {
      const { input, nowMs } = context;
      const harbor = context.system("harbor", input.system);
      const client = createHarbor(harbor, context);
      const [project, name] = splitRepository(input.repository);
      const before = memoOf(given);
      // While Harbor was away, nothing could be registered or scanned: that time does not count.
      const memo = before
        ? { ...before, sinceMs: before.sinceMs + outageMs }
        : { sinceMs: nowMs(), triggered: false, autoScan: await scansByItself(client, project) };
      const artifact = await client.findArtifact(project, name, input.digest);
      const children = await Promise.all(
        (artifact?.children ?? []).map((digest) => client.findArtifact(project, name, digest)),
      );
      const decision = decideScan({ artifact, children, memo, nowMs: nowMs() });
      switch (decision.do) {
        case "wait":
          return waiting(decision.reason, pauseMs(memo, nowMs()), memoJson(memo));
        case "trigger": {
          await client.startScan(project, name, input.digest);
          return waiting(decision.reason, pauseMs(memo, nowMs()), memoJson({ ...memo, triggered: true }));
        }
        case "give-up":
          return givenUp(decision.code, titleOf(harbor), input.repository, decision.problem);
        case "evaluate": {
          const reportUrl = reportUrlOf(harbor, artifact?.projectId ?? 0, name, input.digest);
          const images = children.length > 0 ? (artifact?.children ?? []) : [input.digest];
          return verdictOf(context, client, decision.summaries, images, reportUrl);
        }
      }
    }),
});

async function verdictOf(
  { input, log }: ScanContext,
  client: HarborClient,
  summaries: readonly Summary[],
  images: readonly string[],
  reportUrl: string,
): Promise<StepOutcome<ScanOutput>> {
  const { severity, total, fixable, counts, violations } = countFindings(summaries, input.failOn);
  const output = { severity, total, fixable, counts, reportUrl };
  log(
    `the scan found ${counted(total, "vulnerability", "vulnerabilities")}, ${fixable} with a fix; the worst is ${severity}: ${reportUrl}`,
  );
  if (violations === 0) return succeeded(output);
  const [project, name] = splitRepository(input.repository);
  const all = (await Promise.all(images.map((digest) => client.vulnerabilities(project, name, digest)))).flat();
  const worst = violating(all, input.failOn);
  for (const one of worst.slice(0, 20)) log(`${one.severity}: ${lineOf(one)}`);
  const [first] = worst;
  const error = new GantryError("gate-failed", {
    gate: `The vulnerability scan of ${input.repository}`,
    problem: `${counted(violations, "finding is", "findings are")} ${input.failOn} or worse.`,
    todo: first?.fix_version
      ? `Update ${first.package} to ${first.fix_version}, and push again.`
      : `Read the report at ${reportUrl}.`,
  });
  return failed({ ...failureOf(error), ...(first ? { line: lineOf(first) } : {}) }, output);
}

/** A failure and not an outage, so that the step does not wait for Harbor to come back. */
function givenUp(
  code: "system-unavailable" | "system-refused",
  system: string,
  repository: string,
  problem: string,
): StepOutcome<never> {
  const error = new GantryError(code, { system, what: `scan ${repository}`, problem });
  return { kind: "errored", failure: failureOf(error), retryable: code === "system-unavailable" };
}

function memoJson({ sinceMs, triggered, autoScan }: ScanMemo): JsonValue {
  return { sinceMs, triggered, ...(autoScan === undefined ? {} : { autoScan }) };
}

function memoOf(memo: JsonValue | undefined): ScanMemo | undefined {
  const schema = z.object({ sinceMs: z.number(), triggered: z.boolean(), autoScan: z.boolean().optional() });
  return schema.safeParse(memo).data;
}

async function scansByItself(client: HarborClient, project: string): Promise<boolean | undefined> {
  try {
    const found = await client.findProject(project);
    return found && found.metadata?.auto_scan === "true";
  } catch (error) {
    // A robot account with pull, push and scan rights may lack the right to read project settings.
    if (error instanceof GantryError && error.code === "system-forbidden") return undefined;
    throw error;
  }
}

/** Short at first, because small images are scanned within a second; at most five seconds later on. */
function pauseMs({ sinceMs }: ScanMemo, nowMs: number): number {
  return Math.min(5_000, 250 + Math.floor((nowMs - sinceMs) / 4));
}

function splitRepository(repository: string): [project: string, name: string] {
  const slash = repository.indexOf("/");
  return [repository.slice(0, slash), repository.slice(slash + 1)];
}

function reportUrlOf({ url }: HarborSystem, projectId: number, name: string, digest: string): string {
  return `${url}/harbor/projects/${projectId}/repositories/${encodeURIComponent(name)}/artifacts-tab/artifacts/${digest}`;
}

function titleOf({ title, name }: HarborSystem): string {
  return title ?? name;
}
