// Runs the steps of one attempt, one after the other, and says how it ended.

import { GantryError } from "@gantry/core/errors.ts";
import { evaluateCondition } from "@gantry/core/expr/condition.ts";
import { render } from "@gantry/core/expr/template.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { failureOf } from "@gantry/core/step/outcome.ts";
import { CLEANUP_MS, Stopped, timedOut } from "../attempts/stop.ts";
import type { Report } from "../state/disk-state.ts";
import { boundedOutputs, clip, clipFailure } from "./clip.ts";
import { jobOutcome, type StepEnd, skipReason, statusOf, stepsScope } from "./decide-job.ts";
import type { JobContext, JobStep } from "./job-context.ts";
import { expected, runStep } from "./run-step.ts";

/** Never throws for what a step does; all of that is in the result. */
export async function runJob(job: JobContext): Promise<Omit<Report, "progress">> {
  const { clock } = job.site.deps;
  const cleanup = new AbortController();
  const armCleanup = (): void => {
    cancelTimer = clock.after(CLEANUP_MS, () => cleanup.abort(timedOut("Cleaning up", CLEANUP_MS)));
  };
  let cancelTimer = (): void => {};
  job.stop.addEventListener("abort", armCleanup, { once: true });
  if (job.stop.aborted) armCleanup();

  const ends: StepEnd[] = [];
  try {
    for (const step of job.spec.steps) {
      if (job.lost.aborted) break;
      const signal = job.stop.aborted ? AbortSignal.any([job.lost, cleanup.signal]) : job.stop;
      ends.push(await runOrSkip(job, step, ends, signal));
    }
  } finally {
    cancelTimer();
    job.stop.removeEventListener("abort", armCleanup);
  }
  return conclude(job, ends);
}

async function runOrSkip(
  job: JobContext,
  step: JobStep,
  ends: readonly StepEnd[],
  signal: AbortSignal,
): Promise<StepEnd> {
  const stopped = stoppedBy(job);
  const scope = scopeOf(job, ends);
  try {
    if (evaluateCondition(step.when, scope)) return await runStep(job, step, scope, signal);
  } catch (error) {
    // A condition that cannot be evaluated, a log that cannot be opened: later steps must not run as if all were well.
    const failure = clipFailure(job.masker.json(failureOf(expected(job, step, error))));
    job.tell({ kind: "step-ended", step: step.id, outcome: "errored", durationMs: 0, failure });
    return { step: step.id, title: step.title, outcome: "errored", outputs: {}, failure };
  }
  const reason = clip(job.masker.text(skipReason(ends, stopped, step.when)), 1_000);
  job.tell({ kind: "step-ended", step: step.id, outcome: "skipped", durationMs: 0, reason });
  return { step: step.id, title: step.title, outcome: "skipped", outputs: {} };
}

function conclude(job: JobContext, ends: readonly StepEnd[]): Omit<Report, "progress"> {
  const { outcome, failure } = jobOutcome(ends, stoppedBy(job), job.spec.steps.length);
  const scope = scopeOf(job, ends);
  if (outcome !== "succeeded") {
    return { outcome, outputs: whatIsThere(job, scope), ...(failure ? { failure: clipFailure(failure) } : {}) };
  }
  try {
    const outputs = job.masker.json(render(job.spec.outputs, scope) as JsonObject);
    return { outcome, outputs: boundedOutputs(outputs) };
  } catch (error) {
    if (!(error instanceof GantryError)) throw error;
    return { outcome: "errored", outputs: {}, failure: clipFailure(job.masker.json(failureOf(error))) };
  }
}

/**
 * The outputs of a job that did not succeed: those that can be had. Whoever cleans up after it needs what its first steps
 * gave; that the others are missing is what the failure says.
 */
function whatIsThere(job: JobContext, scope: JsonObject): Report["outputs"] {
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
  return { ...(job.spec.scope as JsonObject), steps: stepsScope(ends), status: statusOf(ends, stoppedBy(job)) };
}

function stoppedBy(job: JobContext): Stopped | undefined {
  return job.stop.reason instanceof Stopped ? job.stop.reason : undefined;
}
