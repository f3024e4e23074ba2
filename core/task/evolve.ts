// Folds the events of a task into its state. Total and pure: the same events always give the same state.
// An event that does not fit the state is a bug of ours, not weather: it throws and names what met what.

import type { TaskEvent, TaskEventOf } from "./events.ts";
import type { AttemptState, JobState, StepState, TaskState } from "./model.ts";

export function evolve(state: TaskState | undefined, event: TaskEvent): TaskState {
  if (event.kind === "TaskRequested") {
    if (state) throw new Error(`task ${state.id}: ${state.phase} -> TaskRequested`);
    return requested(event);
  }
  if (!state) throw new Error(`no task -> ${event.kind}`);
  if (state.phase === "ended" && event.kind !== "ReportCameLate")
    throw new Error(`task ${state.id}: ended -> ${event.kind}`);

  switch (event.kind) {
    case "TaskUnblocked":
      return { ...state, phase: "running", behind: undefined };
    case "TaskRequeued":
      return { ...state, behind: event.behind };
    case "JobExpanded":
      return expanded(state, event);
    case "TaskCancelRequested":
      return { ...state, cancel: { by: event.by, at: event.at, reason: event.reason } };
    case "TaskFinalizing":
      return { ...state, phase: "finalizing" };
    case "TaskEnded":
      return {
        ...state,
        phase: "ended",
        endedAt: event.at,
        outcome: event.outcome,
        outputs: event.outputs,
        failure: event.failure,
        failedAt: event.failedAt,
      };
    case "EffectBegun":
      return {
        ...state,
        effects: {
          ...state.effects,
          [event.key]: {
            job: event.job,
            step: event.step,
            effect: event.effect,
            what: event.what,
            state: "begun",
            attempt: event.attempt,
            result: undefined,
          },
        },
      };
    case "EffectEnded": {
      const effect = state.effects[event.key];
      if (!effect) throw new Error(`task ${state.id}: effect ${event.key} was never begun -> EffectEnded`);
      return {
        ...state,
        effects: { ...state.effects, [event.key]: { ...effect, state: "done", result: event.result } },
      };
    }
    default: {
      const job = state.jobs[event.job];
      if (!job) throw new Error(`task ${state.id}: no job ${event.job} -> ${event.kind}`);
      const next = evolveJob(job, event);
      return {
        ...state,
        startedAt: state.startedAt ?? (event.kind === "JobStarted" ? event.at : undefined),
        jobs: { ...state.jobs, [job.key]: next },
      };
    }
  }
}

type JobEvent = Exclude<
  TaskEvent,
  TaskEventOf<
    | "TaskRequested"
    | "TaskUnblocked"
    | "TaskRequeued"
    | "JobExpanded"
    | "TaskCancelRequested"
    | "TaskFinalizing"
    | "TaskEnded"
    | "EffectBegun"
    | "EffectEnded"
  >
>;

function evolveJob(job: JobState, event: JobEvent): JobState {
  if (event.kind === "ReportCameLate") return cameLate(job, event);
  if (job.phase === "ended") throw new Error(`job ${job.key}: ended -> ${event.kind}`);
  switch (event.kind) {
    case "JobKept":
      return {
        ...job,
        phase: "ended",
        outcome: "succeeded",
        outputs: event.outputs,
        endedAt: event.at,
        steps: event.steps.map((step) => ({
          ...newStep(step.id),
          state: "succeeded",
          outputs: step.outputs,
          reason: "kept",
        })),
      };
    case "JobReady":
      return { ...job, phase: "ready", readyAt: event.at, notBefore: event.notBefore, waiting: undefined };
    case "JobWaiting":
      return { ...job, waiting: { code: event.code, text: event.text, since: event.at } };
    case "JobClaimed":
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
        attempts: [...job.attempts, newAttempt(event)],
      };
    case "JobStarted":
      return {
        ...withAttempt(job, event.attempt, { startedAt: event.at }),
        lease: { ...leaseOf(job, event), started: true },
        startedAt: job.startedAt ?? event.at,
      };
    case "StepStarted":
      return withStep(job, event, (step) => ({
        ...step,
        state: "running",
        startedAt: step.startedAt ?? event.at,
        tries: step.tries + 1,
        waiting: undefined,
      }));
    case "StepWaiting":
      return withStep(job, event, (step) => ({
        ...step,
        state: "waiting",
        waiting: {
          code: "step",
          text: event.reason,
          since: step.waiting?.text === event.reason ? step.waiting.since : event.at,
        },
      }));
    case "StepRetrying":
      return withStep(job, event, (step) => ({
        ...step,
        state: "waiting",
        failure: event.failure,
        tries: event.try,
        waiting: { code: "retry", text: event.failure.message, since: event.at },
      }));
    case "StepEnded":
      return withStep(job, event, (step) => ({
        ...step,
        state: event.outcome,
        endedAt: event.at,
        durationMs: event.durationMs,
        outputs: event.outputs ?? {},
        failure: event.failure,
        reason: event.reason,
        waiting: undefined,
      }));
    case "AttemptEnded":
      return {
        ...withAttempt(job, event.attempt, {
          endedAt: event.at,
          outcome: event.outcome,
          failure: event.failure,
          digest: event.digest,
        }),
        phase: "pending",
        lease: undefined,
        charged: job.charged + (event.outcome === "errored" || event.outcome === "timed-out" ? 1 : 0),
        outputs: event.outputs,
        failure: event.failure,
      };
    case "AttemptLost":
      return {
        ...withAttempt(job, event.attempt, { endedAt: event.at, outcome: "lost", digest: event.digest }),
        phase: "pending",
        lease: undefined,
        lost: job.lost + (event.started ? 1 : 0),
      };
    case "JobHeld":
      return { ...job, phase: "held", waiting: { code: "held", text: event.reason, since: event.at } };
    case "JobResolved":
      return { ...job, phase: "pending", waiting: undefined };
    case "JobSkipped":
      return {
        ...job,
        phase: "ended",
        outcome: "skipped",
        skipped: event.because,
        waiting: { code: "skipped", text: event.reason, since: event.at },
        endedAt: event.at,
      };
    case "JobEnded":
      return {
        ...job,
        phase: "ended",
        outcome: event.outcome,
        outputs: event.outputs,
        failure: event.failure,
        endedAt: event.at,
        lease: undefined,
        waiting: undefined,
      };
    default:
      return unknownEvent(event);
  }
}

function requested(event: TaskEventOf<"TaskRequested">): TaskState {
  return {
    id: event.task,
    pipeline: event.pipeline,
    definition: event.definition,
    title: event.title,
    app: event.app,
    appScope: event.appScope,
    params: event.params,
    requestedBy: event.requestedBy,
    requestedAt: event.at,
    url: event.url,
    rerunOf: event.rerunOf,
    kept: event.kept ?? {},
    group: event.group,
    behind: event.behind,
    cancel: undefined,
    phase: event.behind === undefined ? "running" : "queued",
    startedAt: undefined,
    endedAt: undefined,
    outcome: undefined,
    failure: undefined,
    failedAt: undefined,
    outputs: {},
    expanded: {},
    jobs: {},
    effects: {},
  };
}

function expanded(state: TaskState, event: TaskEventOf<"JobExpanded">): TaskState {
  const added = event.jobs.map((one): [string, JobState] => [
    one.key,
    {
      key: one.key,
      id: event.job,
      each: one.each,
      site: one.site,
      final: event.final,
      phase: "pending",
      readyAt: undefined,
      notBefore: undefined,
      waiting: undefined,
      attempt: 0,
      charged: 0,
      lost: 0,
      fence: 0,
      lease: undefined,
      progress: 0,
      steps: [],
      outputs: {},
      outcome: undefined,
      failure: undefined,
      skipped: undefined,
      startedAt: undefined,
      endedAt: undefined,
      attempts: [],
    },
  ]);
  return {
    ...state,
    expanded: { ...state.expanded, [event.job]: event.jobs.map((one) => one.key) },
    jobs: { ...state.jobs, ...Object.fromEntries(added) },
  };
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

function withStep(
  job: JobState,
  event: { kind: string; attempt: number; step: string; progress: number },
  change: (step: StepState) => StepState,
): JobState {
  leaseOf(job, event);
  if (event.attempt !== job.attempt)
    throw new Error(`job ${job.key}: attempt ${job.attempt} -> ${event.kind} of attempt ${event.attempt}`);
  if (event.progress !== job.progress + 1)
    throw new Error(`job ${job.key}: progress ${job.progress} -> ${event.progress}`);
  return {
    ...job,
    progress: event.progress,
    steps: job.steps.map((step) => (step.id === event.step ? change(step) : step)),
  };
}

function leaseOf(job: JobState, event: { kind: string }): NonNullable<JobState["lease"]> {
  if (!job.lease) throw new Error(`job ${job.key}: ${job.phase} -> ${event.kind}`);
  return job.lease;
}

function unknownEvent(event: never): never {
  throw new Error(`unknown event ${JSON.stringify(event)}`);
}
