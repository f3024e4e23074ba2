// What the state of an analysis and the verdict of its gate mean for a step. Pure. Only an explicit pass is a success.

import { GantryError } from "@gantry/core/errors.ts";
import { failed, failureOf, type StepOutcome, succeeded } from "@gantry/core/step/outcome.ts";
import type { CeTask, Condition, Gate } from "./client.ts";

export type GateOutput = {
  readonly status: string;
  readonly analysis: string;
  readonly conditions: readonly {
    readonly metric: string;
    readonly status: string;
    readonly actual: string;
    readonly comparator: string;
    readonly threshold: string;
  }[];
  readonly dashboardUrl: string;
};

export type Subject = { readonly system: string; readonly projectKey: string; readonly dashboardUrl: string };

/** The analysis to ask the gate about, or the text to wait with. Throws when there will never be a verdict. */
export function decideTask(
  task: CeTask | undefined,
  { system, projectKey }: Subject,
): { readonly analysis: string } | { readonly waitFor: string } {
  const what = `judge the analysis of ${projectKey}`;
  const refuse = (problem: string): GantryError => new GantryError("system-refused", { system, what, problem });
  if (!task) throw refuse("It does not know the background task: it was purged, or the token may not see it.");
  if (task.componentKey !== undefined && task.componentKey !== projectKey) {
    throw refuse(`The background task belongs to the project ${task.componentKey}.`);
  }
  switch (task.status) {
    case "PENDING":
    case "IN_PROGRESS":
      return { waitFor: phaseOf(task.status) };
    case "CANCELED":
      throw refuse("The background task was canceled in SonarQube, so there is no verdict.");
    case "FAILED":
      throw refuse(`The background task failed, so there is no verdict: ${task.errorMessage ?? "no reason given"}.`);
    case "SUCCESS":
      if (task.analysisId !== undefined) return { analysis: task.analysisId };
      throw new GantryError("system-strange", {
        system,
        what,
        problem: "task.analysisId: missing in a task that succeeded",
      });
  }
}

/** How often an analysis is made when SonarQube cancels it again and again. */
const MAX_ANALYSES = 3;

/**
 * After an analysis was sent, `analyses` of them so far: to wait until SonarQube has taken it in, or to make it again. A
 * SonarQube that went down while it processed a task cancels that task when it starts again.
 */
export function decideIntake(
  task: CeTask | undefined,
  analyses: number,
): { readonly waitFor: string } | "again" | "done" {
  if (task?.status === "PENDING" || task?.status === "IN_PROGRESS") return { waitFor: phaseOf(task.status) };
  return task?.status === "CANCELED" && analyses < MAX_ANALYSES ? "again" : "done";
}

function phaseOf(status: "PENDING" | "IN_PROGRESS"): string {
  return status === "PENDING" ? "SonarQube has the analysis in its queue" : "SonarQube is processing the analysis";
}

export function decideGate(gate: Gate, analysis: string, subject: Subject): StepOutcome<GateOutput> {
  const { system, projectKey, dashboardUrl } = subject;
  const output = { status: gate.status, analysis, dashboardUrl, conditions: gate.conditions.map(shown) };
  if (gate.status === "OK" || gate.status === "WARN") return succeeded(output);
  if (gate.status === "NONE") {
    const problem = "The project has no quality gate.";
    throw new GantryError("system-refused", { system, what: `judge ${projectKey}`, problem });
  }
  const reasons = gate.conditions.filter((one) => one.status === "ERROR").map(sentence);
  const error = new GantryError("gate-failed", {
    gate: `The quality gate of ${projectKey}`,
    problem: reasons.length === 0 ? "SonarQube names no condition." : `${reasons.join("; ")}.`,
    todo: `Look at ${dashboardUrl}, mend the sources and run it again.`,
  });
  return failed({ ...failureOf(error), line: reasons[0] ?? "the quality gate is red" }, output);
}

/** "coverage 41.2 is below 80". The comparator says what is bad. */
export function sentence({ metricKey, comparator, errorThreshold, actualValue }: Condition): string {
  const metric = metricKey.replaceAll("_", " ");
  const relations: Record<string, string> = { LT: "below", GT: "above", EQ: "equal to", NE: "not" };
  const relation = relations[comparator] ?? comparator;
  if (actualValue === undefined) return `${metric} has no value`;
  return errorThreshold === undefined
    ? `${metric} is ${actualValue}`
    : `${metric} ${actualValue} is ${relation} ${errorThreshold}`;
}

function shown({
  metricKey,
  status,
  actualValue,
  comparator,
  errorThreshold,
}: Condition): GateOutput["conditions"][number] {
  return { metric: metricKey, status, actual: actualValue ?? "", comparator, threshold: errorThreshold ?? "" };
}
