// Evaluates expressions while a file is checked: all of them together take bounded time.

import { GantryError } from "../errors.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import type { Evaluation, Expression } from "./expression.ts";

/** The work that is left for trying the expressions of a file. */
export type Trials = { work: number };

/** About half a second. */
const MAX_WORK = 5_000_000;
/** What each evaluation takes beside the work of its expression. */
const WORK_OF_CALL = 100;

export function newTrials(): Trials {
  return { work: MAX_WORK };
}

/**
 * What an expression gives with these values, or why it fails. Undefined if the expressions before it have taken too much work,
 * so that nobody knows.
 */
export function tryExpression(
  trials: Trials,
  { evaluate }: Expression,
  scope: JsonObject,
): { readonly value: JsonValue } | { readonly problem: string } | undefined {
  return withTrials(trials, (evaluation) => ({ value: evaluate(scope, evaluation) }));
}

/** The same for other work that evaluates expressions. */
export function withTrials<T>(
  trials: Trials,
  work: (evaluation: Evaluation) => T,
): T | { readonly problem: string } | undefined {
  if (trials.work <= 0) return undefined;
  const evaluation: Evaluation = { values: new Map(), work: trials.work };
  try {
    return work(evaluation);
  } catch (error) {
    if (!(error instanceof GantryError)) throw error;
    return evaluation.work < 0 ? undefined : { problem: String(error.details.problem) };
  } finally {
    trials.work = evaluation.work - WORK_OF_CALL;
  }
}
