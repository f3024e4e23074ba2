// The result of one call of a step, as a closed union: whether it is retryable or final never depends on a text.

import { explain, type GantryError, type Problem } from "../errors.ts";
import type { JsonObject, JsonValue } from "../json.ts";

/** Why something did not succeed, in a form that can be stored, sent and shown. */
export type Failure = {
  readonly code: string;
  readonly message: string;
  readonly why?: string;
  readonly todo?: string;
  /** The first failing line, when there is a log to point at. */
  readonly line?: string;
  readonly problems?: readonly Problem[];
  /** Exit code of the script or program that failed. */
  readonly exitCode?: number;
};

export type StepOutcome<O = JsonObject> =
  | { readonly kind: "succeeded"; readonly output: O }
  /** The user's work failed: a red test, a red gate, a Degraded app. Repeated only if the pipeline has `retry:` for it. */
  | { readonly kind: "failed"; readonly failure: Failure; readonly output?: Partial<O> }
  /** Gantry or an outside system failed. `retryable` decides whether the step's retry policy applies. */
  | { readonly kind: "errored"; readonly failure: Failure; readonly retryable: boolean }
  /** Not done yet: call again in `retryAfterMs` with the same `memo`. The reason is shown to people. */
  | { readonly kind: "waiting"; readonly reason: string; readonly retryAfterMs: number; readonly memo?: JsonValue };

export function succeeded<O>(output: O): StepOutcome<O> {
  return { kind: "succeeded", output };
}

export function waiting(reason: string, retryAfterMs: number, memo?: JsonValue): StepOutcome<never> {
  return { kind: "waiting", reason, retryAfterMs, ...(memo === undefined ? {} : { memo }) };
}

export function failed<O = never>(failure: Failure, output?: Partial<O>): StepOutcome<O> {
  return { kind: "failed", failure, ...(output === undefined ? {} : { output }) };
}

/** The failure of an expected error, to store and show. */
export function failureOf(error: GantryError): Failure {
  const { exit } = error.details;
  return {
    ...explain(error),
    ...(error.problems.length > 0 ? { problems: error.problems } : {}),
    ...(typeof exit === "number" ? { exitCode: exit } : {}),
  };
}
