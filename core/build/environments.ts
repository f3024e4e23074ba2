// What an environment demands of a build, and of people, before it is deployed there. Read from `environments.yaml`. Pure.

import { z } from "zod";
import { type Approvers, approversOf, approversShape } from "../access/approval.ts";
import type { Build } from "./build.ts";
import { buildName } from "./build.ts";
import { type Freeze, freezeShape, type Window, windowShape } from "./calendar.ts";

/** From harmless to bad, as scanners name them. */
const SEVERITIES = ["none", "negligible", "unknown", "low", "medium", "high", "critical"];

const requirements = z.strictObject({
  /** `no-high`: the scan found nothing of this severity or a higher one. */
  scan: z.enum(["no-low", "no-medium", "no-high", "no-critical"]).optional(),
  /** The quality gate passed. */
  gate: z.boolean().default(false),
  /** Tests ran, and none failed. */
  tests: z.boolean().default(false),
  /** The build is deployed in this environment of the app. */
  environment: z.string().min(1).max(63).optional(),
  /** `release`: only builds of the release branch of the app. */
  branch: z.enum(["release", "any"]).default("release"),
});
/** What a rollback of an environment need not wait for. */
const SKIPPED = ["approval", "windows", "freezes"] as const;
export const rollbackShape = z.strictObject({
  /** A deployment that leaves a target unhealthy is rolled back there at once. */
  automatic: z.boolean().default(false),
  skips: z.array(z.enum(SKIPPED)).max(SKIPPED.length).default([]),
});
export const environmentShape = z.strictObject({
  requires: requirements.prefault({}),
  /** Deployments wait until these people have approved them. */
  approval: approversShape.optional(),
  /** Deployments start only then. */
  windows: z.array(windowShape).min(1).max(50).optional(),
  freezes: z.array(freezeShape).max(200).optional(),
  /** Rules for rollbacks. Absent: they wait like every deployment, and people start them. */
  rollback: rollbackShape.optional(),
});
export const environmentsShape = z.strictObject({
  environments: z.record(z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/), environmentShape),
});

/** Sets that an older version stored have only `requires`. */
export type Environment = {
  readonly requires: Requirements;
  readonly approval?: Approvers;
  readonly windows?: readonly Window[];
  readonly freezes?: readonly Freeze[];
  readonly rollback?: RollbackRules;
};
export type RollbackRules = z.output<typeof rollbackShape>;
export type Environments = { readonly [name: string]: Environment };

/** With every default filled in. */
export function environmentOf({
  approval,
  windows,
  freezes,
  requires,
  rollback,
}: z.output<typeof environmentShape>): Environment {
  return {
    requires,
    ...(approval === undefined ? {} : { approval: approversOf(approval) }),
    ...(windows === undefined ? {} : { windows }),
    ...(freezes === undefined ? {} : { freezes }),
    ...(rollback === undefined ? {} : { rollback }),
  };
}

/** The environment without what its rollbacks need not wait for. */
export function policyOfRollback({ approval, windows, freezes, ...rest }: Environment): Environment {
  const skips = rest.rollback?.skips ?? [];
  return {
    ...rest,
    ...(approval === undefined || skips.includes("approval") ? {} : { approval }),
    ...(windows === undefined || skips.includes("windows") ? {} : { windows }),
    ...(freezes === undefined || skips.includes("freezes") ? {} : { freezes }),
  };
}

/** Undefined for a name that the file does not have. */
export function environmentNamed(environments: Environments, name: string): Environment | undefined {
  return Object.hasOwn(environments, name) ? environments[name] : undefined;
}

export type Requirements = z.output<typeof requirements>;

/** For environments that the file does not name, and targets without one. */
export const DEFAULT_REQUIREMENTS: Requirements = { gate: false, tests: false, branch: "release" };

export type PolicyTarget = { readonly name: string; readonly environment?: string | undefined };

/** What the build lacks for this target, each as a sentence that says what to do. Empty: it may be deployed. */
export function unmetRequirements(
  made: Build,
  target: PolicyTarget,
  facts: {
    readonly environments: Environments;
    readonly releaseBranch: string;
    /** Environments of the app where this build is deployed now. */
    readonly deployedIn: readonly string[];
  },
): readonly string[] {
  const { environment } = target;
  const requires = (environment && environmentNamed(facts.environments, environment)?.requires) || DEFAULT_REQUIREMENTS;
  const where = environment ?? target.name;
  const build = made.isOwn ? withoutEvidence(made) : made;
  const name = subjectOf(build);
  const unmet: string[] = [];
  if (requires.branch === "release" && build.branch !== facts.releaseBranch)
    unmet.push(
      `${name} is of the branch ${build.branch}, and ${where} takes builds of ${facts.releaseBranch} only: merge the change and run CI there`,
    );
  if (requires.scan !== undefined) unmet.push(...scanProblems(build, requires.scan, where));
  if (requires.gate && !isPassed(build.gate?.status))
    unmet.push(
      build.gate
        ? `The quality gate of ${buildName(build)} ended ${build.gate.status}, and ${where} needs one that passed: mend the findings and run CI again`
        : `${name} has no quality gate, and ${where} needs one that passed: run CI where the site has SonarQube`,
    );
  if (requires.tests && (build.tests === undefined || build.tests.failed > 0))
    unmet.push(
      build.tests
        ? `${build.tests.failed} tests of ${buildName(build)} failed, and ${where} needs tests that pass`
        : `${name} has no test results, and ${where} needs them: let the tests write JUnit files`,
    );
  if (requires.environment !== undefined && !facts.deployedIn.includes(requires.environment))
    unmet.push(
      `${name} is not deployed in ${requires.environment}, and ${where} takes builds that are: deploy it there first`,
    );
  return unmet;
}

/** The people of the app could write anything there. */
function withoutEvidence({ scan: _, gate: __, tests: ___, ...build }: Build): Build {
  return build;
}

function scanProblems(build: Build, limit: NonNullable<Requirements["scan"]>, where: string): readonly string[] {
  const name = subjectOf(build);
  if (!build.scan)
    return [`${name} was not scanned, and ${where} needs a scan: run CI where the registry scans images`];
  const found = rankOf(build.scan.severity);
  const forbidden = rankOf(limit.slice("no-".length));
  if (found < forbidden) return [];
  return [
    `The scan of ${buildName(build)} found ${build.scan.severity} vulnerabilities, and ${where} takes ${limit.replace("-", " ")} ones: update what is vulnerable and run CI again`,
  ];
}

/** Begins a sentence. */
function subjectOf(build: Build): string {
  const name = buildName(build);
  return `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
}

/** SonarQube says OK. */
function isPassed(status = ""): boolean {
  return ["passed", "ok"].includes(status.toLowerCase());
}

/** A severity that nobody knows counts as the worst. */
function rankOf(severity: string): number {
  const at = SEVERITIES.indexOf(severity.toLowerCase());
  return at < 0 ? SEVERITIES.length : at;
}
