// system/check: tests, from the runner that will use them, what the systems of a site let Gantry's accounts do.

import { GantryError } from "@gantry/core/errors.ts";
import type { GitSystem, System, SystemKind } from "@gantry/core/site/systems.ts";
import { failed, failureOf, succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, NO_RETRY, type StepContext } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { type Finding, type Known, no } from "../examine.ts";
import { ACCESS } from "../rights.ts";
import { CHECKS } from "./known-checks.ts";

const names = z.array(z.string().max(500)).max(2_000).default([]);
const kinds = Object.keys(CHECKS) as [SystemKind, ...SystemKind[]];

const input = z.strictObject({
  systems: z
    .array(z.string().regex(new RegExp(`^(?:${kinds.join("|")})/[a-z0-9][a-z0-9-]*$`), "must be like argocd/argocd"))
    .max(200)
    .describe("Kind and name of each system; those that this runner does not have are left out"),
  clusters: names.describe("Clusters that targets at this site name"),
  repositories: names.describe("Repositories of apps, as system:PROJECT/name; without a system, of the only git host"),
  pushed: names.describe("The yaml repositories among them"),
  deployed: names.describe("The yaml repositories from which apps are deployed at this site, as system:PROJECT/name"),
  images: names.describe("Image repositories of apps"),
  argocdProjects: names,
  jiraProjects: names,
});
type Input = z.output<typeof input>;

const finding = z.object({
  right: z.string(),
  may: z.string(),
  verdict: z.enum(["yes", "no", "unknown"]),
  says: z.string(),
  todo: z.string().optional(),
});
const output = z.object({
  missing: z.int().describe("How many rights are missing"),
  systems: z.array(z.object({ name: z.string(), kind: z.string(), url: z.string(), findings: z.array(finding) })),
});
type Checked = z.output<typeof output>["systems"][number];

/** A system that does not answer would otherwise use the patience of the clients three times. */
const CHECK_MS = 20_000;

export const systemCheck = defineStep({
  name: "system/check",
  title: "Test what the systems let Gantry do",
  input,
  output,
  needs: kinds,
  // The accounts themselves, which belong to no app: only a pipeline of the platform team without an app may use them so.
  acts: () => [{ kind: "site-accounts", access: "read" }],
  looksOnly: true,
  effects: [],
  retry: NO_RETRY,
  timeoutMs: 120_000,
  plan: async () => [],
  run: async (context) => {
    const wanted = context.input.systems.map((one) => one.split("/") as [SystemKind, string]);
    const checked = await Promise.all(wanted.map(([kind, name]) => checkOne(context, kind, name)));
    const systems = checked.filter((one) => one !== undefined);
    for (const system of systems) report(system, context.log);
    const missing = systems.flatMap(({ findings }) => findings).filter(({ verdict }) => verdict === "no").length;
    if (missing === 0) return succeeded({ missing, systems });
    const gate = `The check of ${systems
      .filter(hasMissing)
      .map(({ name }) => name)
      .join(", ")}`;
    const problem = `${missing} ${missing === 1 ? "thing is" : "things are"} missing.`;
    const todo =
      "The log and the outputs of this step say what, and how to give it. docs/rights-of-systems.md lists all rights.";
    return failed(failureOf(new GantryError("gate-failed", { gate, problem, todo })), { missing, systems });
  },
});

function hasMissing({ findings }: Checked): boolean {
  return findings.some(({ verdict }) => verdict === "no");
}

type Context = StepContext<Input, SystemKind>;

/** Undefined: this runner does not have the system. */
async function checkOne(context: Context, kind: SystemKind, name: string): Promise<Checked | undefined> {
  let system: System;
  try {
    system = context.system(kind, name);
  } catch (error) {
    if (!(error instanceof GantryError)) throw error;
    if (error.code === "system-missing") return undefined;
    const { may, how } = ACCESS.login;
    const { message, why = "" } = failureOf(error);
    return { name, kind, url: "", findings: [{ right: "login", may, ...no(`${message} ${why}`.trim()), todo: how }] };
  }
  const late = AbortSignal.timeout(CHECK_MS);
  const access = {
    fetch: context.fetch,
    signal: AbortSignal.any([context.signal, late]),
    nowMs: context.nowMs,
    gitSystem: (name: string | undefined) => gitSystem(context, name),
  };
  const check = CHECKS[kind] as (system: System, known: Known, given: typeof access) => Promise<readonly Finding[]>;
  try {
    const findings = await check(system, knownOf(context.input, name), access);
    return { name, kind, url: system.url, findings: [...findings] };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!late.aborted) throw error;
    const { may, how } = ACCESS.reach;
    const answer = no(`no answer within ${CHECK_MS / 1_000} s`);
    return { name, kind, url: system.url, findings: [{ right: "reach", may, ...answer, todo: how }] };
  }
}

function gitSystem(context: Context, name: string | undefined): GitSystem | undefined {
  try {
    return context.system("git", name);
  } catch (error) {
    if (error instanceof GantryError) return undefined;
    throw error;
  }
}

function knownOf(given: Input, system: string): Known {
  const placed = (all: readonly string[]) =>
    all.map((one) => {
      const [host = "", path = ""] = [one.slice(0, one.indexOf(":")), one.slice(one.indexOf(":") + 1)];
      const slash = path.lastIndexOf("/");
      return { system: host || undefined, project: path.slice(0, slash), slug: path.slice(slash + 1) };
    });
  const places = (all: readonly string[]) =>
    placed(all).filter((one) => one.system === undefined || one.system === system);
  const { clusters, images, argocdProjects, jiraProjects } = given;
  return {
    clusters,
    images,
    argocdProjects,
    jiraProjects,
    repositories: places(given.repositories),
    pushed: places(given.pushed),
    deployed: placed(given.deployed),
  };
}

const MARKS = { yes: "✓", no: "✗", unknown: "?" } as const;

function report({ name, kind, url, findings }: Checked, log: (line: string) => void): void {
  log(`${name} (${kind}) ${url}`);
  for (const { may, verdict, says, todo } of findings) {
    log(`  ${MARKS[verdict]} ${may}: ${says}`);
    if (todo !== undefined) log(`    ${todo}`);
  }
}
