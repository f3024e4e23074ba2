// Runs the steps of one attempt, one after another, and determines the result of the job.

import { GantryError } from "@gantry/core/errors.ts";
import { evaluateCondition } from "@gantry/core/expr/condition.ts";
import { render } from "@gantry/core/expr/template.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { type OutputTypes, typedOutputs } from "@gantry/core/pipeline/types/typed-outputs.ts";
import { failureOf } from "@gantry/core/step/outcome.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { CLEANUP_MS, Stopped, timedOut } from "../attempts/stop.ts";
import type { JobResult } from "../workers/job-executor.ts";
import { boundedOutputs, clipFailure } from "./clip.ts";
import { jobOutcome, type StepEnd, skipReason, statusOf, stepsScope } from "./decide-job.ts";
import type { JobContext, JobStep } from "./job-context.ts";
import { runStep } from "./run-step.ts";
import { toGantryError } from "./step-run.ts";

/** Failures of steps are part of the result. Rejects only for a bug of the runner. */
export async function runJob(job: JobContext): Promise<JobResult> {
  const { clock } = job.environment.deps;
  const cleanup = new AbortController();
  const startCleanupTimer = (): void => {
    cancelTimer = clock.after(CLEANUP_MS, () => cleanup.abort(timedOut("Cleaning up", CLEANUP_MS)));
  };
  let cancelTimer = (): void => {};
  job.stop.addEventListener("abort", startCleanupTimer, { once: true });
  if (job.stop.aborted) startCleanupTimer();

  const ends: StepEnd[] = [];
  try {
    for (const step of job.spec.steps) {
      if (job.lost.aborted) break;
      const signal = job.stop.aborted ? AbortSignal.any([job.lost, cleanup.signal]) : job.stop;
      ends.push(await runOrSkip(job, step, ends, signal));
    }
  } finally {
    cancelTimer();
    job.stop.removeEventListener("abort", startCleanupTimer);
  }
  return resultOf(job, ends);
}

async function runOrSkip(
  job: JobContext,
  step: JobStep,
  ends: readonly StepEnd[],
  signal: AbortSignal,
): Promise<StepEnd> {
  const stopped = stopOf(job);
  const scope = scopeOf(job, ends);

  try {
    if (evaluateCondition(step.when, scope, statusOf(ends, stopped))) return await runStep(job, step, scope, signal);
  } catch (error) {
    // The condition cannot be evaluated or the log cannot be opened: later steps must not run as after a success.
    const failure = clipFailure(job.masker.json(failureOf(toGantryError(job, step, error))));
    const progress = { kind: "step-ended", step: step.id, outcome: "errored", durationMs: 0, failure } as const;
    job.emit({ kind: "progress", progress });
    return { step: step.id, title: step.title, outcome: "errored", outputs: {}, failure };
  }
  const reason = truncate(job.masker.text(skipReason(ends, stopped, step.when, scope)), 1_000);
  const progress = { kind: "step-ended", step: step.id, outcome: "skipped", durationMs: 0, reason } as const;
  job.emit({ kind: "progress", progress });
  return { step: step.id, title: step.title, outcome: "skipped", outputs: {} };
}

function resultOf(job: JobContext, ends: readonly StepEnd[]): JobResult {
  const { outcome, failure } = jobOutcome(ends, stopOf(job), job.spec.steps.length);
  const scope = scopeOf(job, ends);
  if (outcome !== "succeeded") {
    return { outcome, outputs: availableOutputs(job, scope), ...(failure ? { failure: clipFailure(failure) } : {}) };
  }
  try {
    const rendered = render(job.spec.outputs, scope) as JsonObject;
    const outputs = job.masker.json(typedOutputs(rendered, job.spec.outputTypes as OutputTypes | undefined));
    return { outcome, outputs: boundedOutputs(outputs) };
  } catch (error) {
    if (!(error instanceof GantryError)) throw error;
    // What the steps gave is the user's; an expression that cannot be evaluated is not.
    const failed = error.code === "outputs-invalid" ? "failed" : "errored";
    return { outcome: failed, outputs: {}, failure: clipFailure(job.masker.json(failureOf(error))) };
  }
}

/**
 * The outputs of a job that did not succeed: those that can be rendered. A cleanup job needs the outputs of the first
 * steps; the failure of the job explains why the others are missing.
 */
function availableOutputs(job: JobContext, scope: JsonObject): JobResult["outputs"] {
  const outputs: Record<string, JsonValue> = {};
  for (const [name, template] of Object.entries(job.spec.outputs)) {
    try {
      const value = job.masker.json(render(template, scope));
      boundedOutputs({ ...outputs, [name]: value });
      outputs[name] = value;
    } catch (error) {
      if (!(error instanceof GantryError)) throw error;
    }
  }
  return boundedOutputs(outputs);
}

function scopeOf(job: JobContext, ends: readonly StepEnd[]): JsonObject {
  const scope = job.spec.scope as JsonObject;
  const own = statusOf(ends, stopOf(job));
  // As long as the job itself succeeds, `status` says how the task went before it. Older task-agents do not send it.
  return { ...scope, steps: stepsScope(ends), status: own === "succeeded" ? (scope.status ?? own) : own };
}

function stopOf(job: JobContext): Stopped | undefined {
  return job.stop.reason instanceof Stopped ? job.stop.reason : undefined;
}
