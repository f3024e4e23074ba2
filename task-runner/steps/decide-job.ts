// The state and the outcome of a job, derived from how its steps ended. Pure.

import { unmetText } from "@gantry/core/expr/in-words.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Failure } from "@gantry/core/step/outcome.ts";
import type { Outcome } from "@gantry/core/task/states.ts";
import { outcomeOf, type Stopped } from "../attempts/stop.ts";

export type StepEnd = {
  readonly step: string;
  readonly title: string;
  readonly outcome: Outcome;
  readonly outputs: JsonObject;
  readonly failure?: Failure;
  /** It failed, and its `continueOnError` lets the job go on. */
  readonly tolerated?: true;
};

/** How the job itself stands: whether its next step runs when it has no condition. */
export function statusOf(ends: readonly StepEnd[], stopped: Stopped | undefined): "succeeded" | "failed" | "canceled" {
  if (stopped) return stopped.kind === "canceled" ? "canceled" : "failed";
  const bad = firstBad(ends);
  if (!bad) return "succeeded";
  return bad.outcome === "canceled" ? "canceled" : "failed";
}

/** The variable `steps` in the expressions of the next steps. */
export function stepsScope(ends: readonly StepEnd[]): JsonObject {
  return Object.fromEntries(ends.map(({ step, outcome, outputs }) => [step, { outcome, outputs }]));
}

/** Why a step is skipped, as a sentence for users. `scope`: with which its condition was evaluated. */
export function skipReason(
  ends: readonly StepEnd[],
  stopped: Stopped | undefined,
  condition: string | undefined,
  scope: JsonObject,
): string {
  const bad = firstBad(ends);
  if (stopped) return `The job was stopped: ${stopped.message}`;
  if (bad) return `The earlier step “${bad.title}” did not succeed.`;
  return `Its condition is not met: ${unmetText(condition ?? "", scope)}.`;
}

/**
 * The first step that did not succeed determines the outcome. A stop after all steps have succeeded changes nothing. A stop
 * that kept a step from running determines the outcome.
 */
export function jobOutcome(
  ends: readonly StepEnd[],
  stopped: Stopped | undefined,
  steps: number,
): { readonly outcome: Outcome; readonly failure?: Failure } {
  const bad = firstBad(ends);
  if (bad) return { outcome: bad.outcome, ...(bad.failure ? { failure: bad.failure } : {}) };
  const isComplete = ends.length === steps && ends.every((end) => end.outcome === "succeeded" || end.tolerated);
  if (!stopped || isComplete) return { outcome: "succeeded" };
  return { outcome: outcomeOf(stopped), ...(stopped.failure ? { failure: stopped.failure } : {}) };
}

function firstBad(ends: readonly StepEnd[]): StepEnd | undefined {
  return ends.find((end) => end.outcome !== "succeeded" && end.outcome !== "skipped" && !end.tolerated);
}
