// Folds the events of one job into its state; see evolve.ts.

import type { TaskEvent, TaskEventOf } from "./events.ts";
import { evolveApproval } from "./evolve-approval.ts";
import type { AttemptState, JobState, StepState } from "./model.ts";
import { isBad } from "./states.ts";

export type JobEvent = Exclude<
  TaskEvent,
  TaskEventOf<
    | "TaskRequested"
    | "TaskUnblocked"
    | "TaskRequeued"
    | "JobExpanded"
    | "TaskCancelRequested"
    | "TaskExpired"
    | "TaskFinalizing"
    | "TaskEnded"
    | "EffectBegun"
    | "EffectEnded"
  >
>;

export function evolveJob(job: JobState, event: JobEvent): JobState {
  if (event.kind === "ReportCameLate") return cameLate(job, event);
  if (job.phase === "ended") throw new Error(`job ${job.key}: ended -> ${event.kind}`);
  switch (event.kind) {
    case "JobKept":
      return kept(job, event);
    case "JobReady":
      return {
        ...job,
        phase: "ready",
        readyAt: event.at,
        notBefore: event.notBefore,
        waiting: undefined,
        ...(event.passed === undefined ? {} : { passed: event.passed }),
      };
    case "ChildRequested":
      return childRequested(job, event);
    case "ChildStarted":
      if (!job.child) throw new Error(`job ${job.key}: ${job.phase} -> ChildStarted`);
      return { ...job, startedAt: event.at, child: { ...job.child, task: event.task } };
    case "JobGated": {
      const { code, text, at: since, until } = event;
      return { ...job, phase: "pending", waiting: { code, text, since, ...(until === undefined ? {} : { until }) } };
    }
    case "JobQueued":
      return queued(job, event);
    case "JobAdmitted":
      return { ...job, slot: event.group, queued: undefined, waiting: undefined };
    case "JobLeftGroup":
      return { ...job, slot: undefined, queued: undefined };
    case "ApprovalRequested":
    case "ApprovalReminded":
    case "ApprovalEscalated":
    case "ApprovalAnswered":
    case "ApprovalExpired":
      return { ...job, ...evolveApproval(job, event) };
    case "PolicyOverridden":
      return { ...job, overridden: { by: event.by, at: event.at, reason: event.reason } };
    case "JobWaiting": {
      const { code, text, at: since, until } = event;
      return { ...job, waiting: { code, text, since, ...(until === undefined ? {} : { until }) } };
    }
    case "JobClaimed":
      return claimed(job, event);
    case "JobStarted":
      return {
        ...withAttempt(job, event.attempt, { startedAt: event.at }),
        lease: { ...leaseOf(job, event), started: true },
        startedAt: job.startedAt ?? event.at,
      };
    case "StepStarted":
    case "StepWaiting":
    case "StepRetrying":
    case "StepEnded":
      return withStep(job, event);
    case "StepTold":
      return told(job, event);
    case "ArtifactSaved":
      return artifactSaved(job, event);
    case "AttemptEnded":
      return attemptEnded(job, event);
    case "AttemptLost":
      return attemptLost(job, event);
    case "JobCancelRequested":
      return { ...job, cancel: { at: event.at, reason: event.reason } };
    case "JobHeld":
      return { ...job, phase: "held", waiting: { code: "held", text: event.reason, since: event.at } };
    case "JobResolved":
      return { ...job, phase: "pending", waiting: undefined, resolved: resolvedBy(event) };
    case "JobSkipped":
      return skipped(job, event);
    case "JobEnded":
      return ended(job, event);
    default:
      return unknownEvent(event);
  }
}

function childRequested(job: JobState, event: TaskEventOf<"ChildRequested">): JobState {
  const { at: readyAt, pipeline, params, passed } = event;
  const child = { pipeline, params };
  return {
    ...job,
    ...{ phase: "delegated", readyAt, waiting: undefined, child },
    ...(passed === undefined ? {} : { passed }),
  };
}

function queued(job: JobState, { at: since, group, policy, limit }: TaskEventOf<"JobQueued">): JobState {
  const text = `Waiting for its turn in the concurrency group ${group}.`;
  return { ...job, queued: { group, policy, limit, since }, waiting: { code: "concurrency", text, since } };
}

function kept(job: JobState, event: TaskEventOf<"JobKept">): JobState {
  const steps = event.steps.map(
    ({ id, outputs }): StepState => ({ ...newStep(id), state: "succeeded", outputs, reason: "kept" }),
  );
  const artifacts = event.artifacts === undefined ? {} : { artifacts: event.artifacts };
  return {
    ...job,
    phase: "ended",
    outcome: "succeeded",
    outputs: event.outputs,
    endedAt: event.at,
    steps,
    ...artifacts,
  };
}

function artifactSaved(job: JobState, event: TaskEventOf<"ArtifactSaved">): JobState {
  leaseOf(job, event);
  const { name, site, attempt, digest, files, bytes, at: savedAt, keptUntil } = event;
  return {
    ...job,
    artifacts: { ...job.artifacts, [name]: { site, attempt, digest, files, bytes, savedAt, keptUntil } },
  };
}

function claimed(job: JobState, event: TaskEventOf<"JobClaimed">): JobState {
  return {
    ...job,
    phase: "leased",
    waiting: undefined,
    notBefore: undefined,
    attempt: event.attempt,
    fence: event.fence,
    lease: { runner: event.runner, started: false, claimedAt: event.at },
    progress: 0,
    steps: event.steps.map(newStep),
    failure: undefined,
    resolved: undefined,
    attempts: [...job.attempts, newAttempt(event)],
  };
}

function attemptEnded(job: JobState, event: TaskEventOf<"AttemptEnded">): JobState {
  const { at, outcome, outputs, failure, digest } = event;
  return {
    ...withAttempt(job, event.attempt, { endedAt: at, outcome, failure, digest }),
    phase: "pending",
    lease: undefined,
    charged: job.charged + (isBad(outcome) ? 1 : 0),
    outputs,
    failure,
  };
}

function attemptLost(job: JobState, event: TaskEventOf<"AttemptLost">): JobState {
  return {
    ...withAttempt(job, event.attempt, { endedAt: event.at, outcome: "lost", digest: event.digest }),
    phase: "pending",
    lease: undefined,
    lost: job.lost + (event.started ? 1 : 0),
  };
}

function resolvedBy({ by, at, answer, reason }: TaskEventOf<"JobResolved">): JobState["resolved"] {
  return { by, at, answer, reason };
}

function skipped(job: JobState, event: TaskEventOf<"JobSkipped">): JobState {
  return {
    ...job,
    phase: "ended",
    outcome: "skipped",
    skipped: event.because,
    waiting: { code: "skipped", text: event.reason, since: event.at },
    endedAt: event.at,
  };
}

function ended(job: JobState, event: TaskEventOf<"JobEnded">): JobState {
  const { at, outcome, outputs, failure } = event;
  return { ...job, phase: "ended", outcome, outputs, failure, endedAt: at, lease: undefined, waiting: undefined };
}

type StepEvent = TaskEventOf<"StepStarted" | "StepWaiting" | "StepRetrying" | "StepEnded">;

function told(job: JobState, { step: id, at, done, total, text }: TaskEventOf<"StepTold">): JobState {
  const now = { at, done, total, ...(text === undefined ? {} : { text }) };
  return { ...job, steps: job.steps.map((step) => (step.id === id ? { ...step, told: now } : step)) };
}

function evolveStep({ told: _, ...step }: StepState, event: StepEvent): StepState {
  switch (event.kind) {
    case "StepStarted":
      return {
        ...step,
        state: "running",
        startedAt: step.startedAt ?? event.at,
        tries: step.tries + 1,
        waiting: undefined,
      };
    case "StepWaiting": {
      const since = step.waiting?.text === event.reason ? step.waiting.since : event.at;
      return { ...step, state: "waiting", waiting: { code: "step", text: event.reason, since } };
    }
    case "StepRetrying": {
      const waiting = { code: "retry", text: event.failure.message, since: event.at };
      return { ...step, state: "waiting", failure: event.failure, tries: event.try, waiting };
    }
    case "StepEnded":
      return {
        ...step,
        state: event.outcome,
        endedAt: event.at,
        durationMs: event.durationMs,
        outputs: event.outputs ?? {},
        failure: event.failure,
        reason: event.reason,
        ...(event.tolerated ? { tolerated: true } : {}),
        ...(event.annotations ? { annotations: event.annotations } : {}),
        ...(event.annotationsLeftOut === undefined ? {} : { annotationsLeftOut: event.annotationsLeftOut }),
        ...(event.summaryBytes === undefined ? {} : { summaryBytes: event.summaryBytes }),
        waiting: undefined,
      };
  }
}

function newStep(id: string): StepState {
  return {
    id,
    state: "queued",
    startedAt: undefined,
    endedAt: undefined,
    durationMs: undefined,
    waiting: undefined,
    tries: 0,
    outputs: {},
    failure: undefined,
    reason: undefined,
  };
}

function newAttempt(event: TaskEventOf<"JobClaimed">): AttemptState {
  return {
    attempt: event.attempt,
    fence: event.fence,
    runner: event.runner,
    claimedAt: event.at,
    startedAt: undefined,
    endedAt: undefined,
    outcome: undefined,
    failure: undefined,
    digest: undefined,
    late: undefined,
  };
}

function cameLate(job: JobState, event: TaskEventOf<"ReportCameLate">): JobState {
  const { at, outcome, outputs, failure } = event;
  const late = { at, outcome, outputs, failure };
  const attempts = job.attempts.map((one) => (one.attempt === event.attempt ? { ...one, late } : one));
  return { ...job, attempts };
}

function withAttempt(job: JobState, attempt: number, change: Partial<AttemptState>): JobState {
  if (attempt !== job.attempt) throw new Error(`job ${job.key}: attempt ${job.attempt} -> event of attempt ${attempt}`);
  return { ...job, attempts: job.attempts.map((one) => (one.attempt === attempt ? { ...one, ...change } : one)) };
}

function withStep(job: JobState, event: StepEvent): JobState {
  leaseOf(job, event);
  if (event.attempt !== job.attempt)
    throw new Error(`job ${job.key}: attempt ${job.attempt} -> ${event.kind} of attempt ${event.attempt}`);
  if (event.progress !== job.progress + 1)
    throw new Error(`job ${job.key}: progress ${job.progress} -> ${event.progress}`);
  return {
    ...job,
    progress: event.progress,
    steps: job.steps.map((step) => (step.id === event.step ? evolveStep(step, event) : step)),
  };
}

function leaseOf(job: JobState, event: { kind: string }): NonNullable<JobState["lease"]> {
  if (!job.lease) throw new Error(`job ${job.key}: ${job.phase} -> ${event.kind}`);
  return job.lease;
}

function unknownEvent(event: never): never {
  throw new Error(`unknown event ${JSON.stringify(event)}`);
}
