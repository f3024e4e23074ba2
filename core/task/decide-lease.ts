// A runner's requests about an attempt: claim, start, progress, effects, report. Each is safe to repeat.

import { GantryError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import type { Annotation } from "../log/annotation.ts";
import type { Job, Pipeline } from "../pipeline/pipeline.ts";
import { decideRetry, spreadOf } from "../pipeline/retry.ts";
import { type Failure, failureOf } from "../step/outcome.ts";
import { type Claimant, cancelReason, type Decision, holder, isCanceled, NOTHING, refuse } from "./decision.ts";
import type { TaskEvent } from "./events.ts";
import type { AttemptState, JobState, TaskState } from "./model.ts";
import { effectsSettled } from "./settle-effects.ts";
import type { Outcome } from "./states.ts";

/** How often a started job is given away automatically after its runner was lost. After that, a person decides. */
const MAX_LOST = 2;

export type Claim = Claimant & { readonly choice: string };

/** Ownership starts here. The offer named attempt and fence; if the job has changed since, the offer is void. */
export function decideClaim(pipeline: Pipeline, state: TaskState, claim: Claim, now: number): Decision {
  const job = state.jobs[claim.job];
  const gone = (problem: string): Decision => refuse("offer-gone", { problem });
  if (job && job.site !== claim.site) return gone("The job belongs to another site.");
  if (job?.lease && job.fence === claim.fence && job.attempt === claim.attempt && job.lease.runner === claim.runner)
    return NOTHING;
  if (!job || state.phase === "ended") return gone("The task has ended.");
  if (job.phase !== "ready") return gone(job.lease ? "Another runner was faster." : `The job is ${job.phase}.`);
  if (claim.attempt !== job.attempt + 1 || claim.fence <= job.fence)
    return gone("The offer belongs to an older attempt.");
  const definition = jobDefinition(pipeline, job.id);
  return {
    events: [
      {
        kind: "JobClaimed",
        at: now,
        job: job.key,
        attempt: claim.attempt,
        fence: claim.fence,
        runner: claim.runner,
        choice: claim.choice,
        steps: definition.steps.map((step) => step.id),
      },
    ],
  };
}

export function decideStart(state: TaskState, claimant: Claimant, now: number): Decision {
  const job = holder(state, claimant);
  if (job instanceof GantryError) return { refuse: job };
  if (isCanceled(state, job)) return refuse("lease-lost", { problem: `The job was ${cancelReason(state, job)}.` });
  if (job.lease?.started) return NOTHING;
  return { events: [{ kind: "JobStarted", at: now, job: job.key, attempt: job.attempt }] };
}

/** A progress event as the runner reports it, without the number. `agoMs`: how long ago it happened; absent: just now. */
export type Progress = { readonly agoMs?: number | undefined } & ProgressKind;
type ProgressKind =
  | { readonly kind: "step-started"; readonly step: string }
  | { readonly kind: "step-waiting"; readonly step: string; readonly reason: string; readonly retryAfterMs: number }
  | {
      readonly kind: "step-retrying";
      readonly step: string;
      readonly attempt: number;
      readonly failure: Failure;
      readonly retryAfterMs: number;
    }
  | {
      readonly kind: "step-ended";
      readonly step: string;
      readonly outcome: Outcome;
      readonly durationMs: number;
      readonly outputs?: JsonObject | undefined;
      readonly failure?: Failure | undefined;
      readonly reason?: string | undefined;
      readonly tolerated?: true | undefined;
      readonly annotations?: readonly Annotation[] | undefined;
      readonly annotationsLeftOut?: number | undefined;
      readonly summaryBytes?: number | undefined;
    };

function missingProgress(job: JobState): JsonObject {
  return { what: `Progress ${job.progress + 1}`, problem: "is missing", why: "An earlier message was lost." };
}

/** Ignores events that are already known. Refuses a gap, so that the runner sends what is missing. */
export function decideProgress(
  state: TaskState,
  claimant: Claimant,
  from: number,
  reported: readonly Progress[],
  now: number,
): Decision {
  const job = holder(state, claimant);
  if (job instanceof GantryError) return { refuse: job };
  if (!job.lease?.started) return refuse("bad-request", { problem: "progress before start" });
  if (from > job.progress + 1) return refuse("conflict", missingProgress(job));
  const fresh = reported.slice(job.progress + 1 - from);
  const unknown = fresh.find((one) => !job.steps.some((step) => step.id === one.step));
  if (unknown) return refuse("not-found", { kind: "step", name: unknown.step });
  let at = lastKnownTime(job);
  const events = fresh.map((one, index) => {
    // Never earlier than the last known event, regardless of the runner's clock, so that times never go back.
    at = Math.min(now, Math.max(at, now - (one.agoMs ?? 0)));
    return progressEvent(job, one, job.progress + 1 + index, at);
  });
  return { events };
}

/** The last moment at which something of the current attempt is known to have happened. */
function lastKnownTime({ attempts, steps }: JobState): number {
  const ofSteps = steps.flatMap(({ startedAt, endedAt, waiting }) => [startedAt, endedAt, waiting?.since]);
  return Math.max(...[attempts.at(-1)?.startedAt, ...ofSteps].map((time) => time ?? 0));
}

export type EffectRequest = {
  readonly key: string;
  readonly step: string;
  readonly effect: string;
  readonly what: string;
};

/** `go`: it was never begun. `verify`: an earlier call began it and its end is unknown. `done`: it is recorded. */
export type Permit = { readonly answer: "go" | "verify" } | { readonly answer: "done"; readonly result: JsonObject };

export function decideEffectBegin(
  state: TaskState,
  claimant: Claimant,
  request: EffectRequest,
  now: number,
): { decision: Decision; permit?: Permit } {
  const job = holder(state, claimant);
  if (job instanceof GantryError) return { decision: { refuse: job } };
  if (!job.lease?.started) return { decision: refuse("bad-request", { problem: "an effect before start" }) };
  if (!job.steps.some((step) => step.id === request.step))
    return { decision: refuse("not-found", { kind: "step", name: request.step }) };
  const known = state.effects[request.key];
  if (known?.state === "done") return { decision: NOTHING, permit: { answer: "done", result: known.result ?? {} } };
  const begun: TaskEvent = { kind: "EffectBegun", at: now, job: job.key, attempt: job.attempt, ...request };
  // Begun by this same attempt: the reply was lost, or the step is being retried. In both cases its end is unknown: probe.
  return { decision: { events: [begun] }, permit: { answer: known ? "verify" : "go" } };
}

export function decideEffectEnd(
  state: TaskState,
  claimant: Claimant,
  key: string,
  result: JsonObject,
  now: number,
): Decision {
  const known = state.effects[key];
  if (known?.state === "done") return NOTHING;
  const job = holder(state, claimant);
  if (job instanceof GantryError) return { refuse: job };
  if (!known) return refuse("bad-request", { problem: "an effect that was never begun" });
  return { events: [{ kind: "EffectEnded", at: now, job: job.key, attempt: job.attempt, key, result }] };
}

export type Report = {
  readonly outcome: Outcome;
  readonly outputs: JsonObject;
  readonly failure?: Failure | undefined;
  readonly progress: number;
  /** Digest of outcome, outputs and failure. */
  readonly digest: string;
};

/**
 * The first terminal write wins. A repeat of the report that ended the attempt is answered as the first time; another
 * report of the same attempt is refused with `report-differs`.
 */
export function decideReport(
  pipeline: Pipeline,
  state: TaskState,
  claimant: Claimant,
  report: Report,
  now: number,
): Decision {
  const past = attemptOf(state, claimant);
  if (past?.digest === report.digest) return NOTHING;
  if (past?.digest !== undefined) {
    const [first, second] = [past.outcome ?? "", report.outcome];
    return refuse("report-differs", { attempt: claimant.attempt, first, second });
  }
  const job = holder(state, claimant);
  if (job instanceof GantryError) return { refuse: job };
  if (report.progress > job.progress) return refuse("conflict", missingProgress(job));
  if (report.outcome === "errored" && report.failure?.code === CUT_OFF)
    return cutOff(pipeline, state, job, report, now);
  const failure = report.failure ? { failure: report.failure } : {};
  const ended: TaskEvent = {
    kind: "AttemptEnded",
    at: now,
    job: job.key,
    attempt: job.attempt,
    outcome: report.outcome,
    outputs: report.outputs,
    ...failure,
    digest: report.digest,
  };
  const { retry } = jobDefinition(pipeline, job.id);
  const end = { outcome: report.outcome, exitCode: report.failure?.exitCode, code: report.failure?.code };
  const delayMs = decideRetry(retry, end, job.charged + 1, spreadOf(`${state.id}/${job.key}/${job.attempt}`));
  const next: TaskEvent =
    delayMs !== undefined && !isCanceled(state, job)
      ? { kind: "JobReady", at: now, job: job.key, notBefore: now + delayMs }
      : { kind: "JobEnded", at: now, job: job.key, outcome: report.outcome, outputs: report.outputs, ...failure };
  const settled = report.outcome === "succeeded" ? effectsSettled(state, job, now) : [];
  return { events: [...settled, ended, next] };
}

/** The failure of an attempt that its runner stopped because it could not renew the lease in time. */
const CUT_OFF = "lease-lost";

/** The work was cut off and is known to have stopped. Handled like a lost runner, only sooner. */
function cutOff(pipeline: Pipeline, state: TaskState, job: JobState, report: Report, now: number): Decision {
  const reason = report.failure?.message ?? "";
  const gone: TaskEvent = {
    kind: "AttemptLost",
    at: now,
    job: job.key,
    attempt: job.attempt,
    started: true,
    reason,
    digest: report.digest,
  };
  return { events: [gone, afterLoss(pipeline, state, job, now, "stopped")] };
}

/** Keeps the report of an attempt that was given up, once. It ends nothing: the newer attempt decides. */
export function decideLateReport(state: TaskState, claimant: Claimant, report: Report, now: number): Decision {
  const past = attemptOf(state, claimant);
  if (past?.outcome !== "lost" || past.late) return NOTHING;
  const { outcome, outputs, failure } = report;
  const { job, attempt } = claimant;
  return {
    events: [{ kind: "ReportCameLate", at: now, job, attempt, outcome, outputs, ...(failure ? { failure } : {}) }],
  };
}

/** The attempt that a request of a runner names, if it was this runner's; also after the task has ended. */
export function attemptOf(state: TaskState, claimant: Claimant): AttemptState | undefined {
  const job = state.jobs[claimant.job];
  if (job?.site !== claimant.site) return undefined;
  return job.attempts.find(
    (one) => one.attempt === claimant.attempt && one.fence === claimant.fence && one.runner === claimant.runner,
  );
}

/** The lease expired, or the runner came back without it. A job that was never started is always safe to give away. */
export function decideLost(
  pipeline: Pipeline,
  state: TaskState,
  lost: { job: string; fence: number; reason: string },
  now: number,
): Decision {
  const job = state.jobs[lost.job];
  if (!job?.lease || job.fence !== lost.fence) return NOTHING;
  const { started } = job.lease;
  const gone: TaskEvent = {
    kind: "AttemptLost",
    at: now,
    job: job.key,
    attempt: job.attempt,
    started,
    reason: lost.reason,
  };
  return { events: [gone, afterLoss(pipeline, state, job, now, "silent")] };
}

/** `stopped`: the runner has reported that nothing of the attempt runs any more. */
function afterLoss(
  pipeline: Pipeline,
  state: TaskState,
  job: JobState,
  now: number,
  runner: "silent" | "stopped",
): TaskEvent {
  if (isCanceled(state, job)) {
    const end: TaskEvent = { kind: "JobEnded", at: now, job: job.key, outcome: "canceled", outputs: {} };
    if (!job.lease?.started || runner === "stopped") return end;
    return { ...end, failure: failureOf(new GantryError("cancel-unconfirmed", { runner: job.lease.runner })) };
  }
  if (!job.lease?.started) return { kind: "JobReady", at: now, job: job.key };
  const { retrySafe } = jobDefinition(pipeline, job.id);
  if (retrySafe && job.lost < MAX_LOST) return { kind: "JobReady", at: now, job: job.key };
  const reason = retrySafe
    ? `The runner of this job was lost ${job.lost + 1} times while it ran. May the job run again?`
    : `Runner ${job.lease.runner} was ${runner === "silent" ? "lost" : "cut off"} while the job ran, and the job is not marked \`retrySafe\`. May it run again?`;
  return { kind: "JobHeld", at: now, job: job.key, reason };
}

export function jobDefinition(pipeline: Pipeline, id: string): Job {
  const job = pipeline.jobs.find((one) => one.id === id) ?? pipeline.finally.find((one) => one.id === id);
  if (!job) throw new Error(`pipeline ${pipeline.name} has no job ${id}`);
  return job;
}

/** The labels that a runner of this job must have, with expressions filled in. */
export function labelsOf(pipeline: Pipeline, job: JobState): readonly string[] {
  return job.labels ?? jobDefinition(pipeline, job.id).labels;
}

function progressEvent(job: JobState, reported: Progress, progress: number, at: number): TaskEvent {
  const of = { at, job: job.key, attempt: job.attempt, step: reported.step, progress };
  switch (reported.kind) {
    case "step-started":
      return { kind: "StepStarted", ...of };
    case "step-waiting":
      return { kind: "StepWaiting", ...of, reason: reported.reason, retryAfterMs: reported.retryAfterMs };
    case "step-retrying":
      return {
        kind: "StepRetrying",
        ...of,
        try: reported.attempt,
        failure: reported.failure,
        retryAfterMs: reported.retryAfterMs,
      };
    case "step-ended":
      return {
        kind: "StepEnded",
        ...of,
        outcome: reported.outcome,
        durationMs: reported.durationMs,
        ...(reported.outputs ? { outputs: reported.outputs } : {}),
        ...(reported.failure ? { failure: reported.failure } : {}),
        ...(reported.reason === undefined ? {} : { reason: reported.reason }),
        ...(reported.tolerated ? { tolerated: true } : {}),
        ...(reported.annotations ? { annotations: reported.annotations } : {}),
        ...(reported.annotationsLeftOut === undefined ? {} : { annotationsLeftOut: reported.annotationsLeftOut }),
        ...(reported.summaryBytes === undefined ? {} : { summaryBytes: reported.summaryBytes }),
      };
  }
}
