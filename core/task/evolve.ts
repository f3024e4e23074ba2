// Folds the events of a task into its state. Total and pure: the same events always give the same state.
// An event that is invalid in this state is a bug: it throws and names the state and the event.

import type { TaskEvent, TaskEventOf } from "./events.ts";
import { evolveJob } from "./evolve-job.ts";
import type { CancelState, JobState, TaskState } from "./model.ts";

export function evolve(state: TaskState | undefined, event: TaskEvent): TaskState {
  return applied(state, event, {
    jobs: (jobs, added) => ({ ...jobs, ...byKey(added) }),
    expanded: (all, id, keys) => ({ ...all, [id]: keys }),
  });
}

/** As `evolve` with one event after the other. The jobs are copied once and not per event: a task may have hundreds. */
export function evolveAll(state: TaskState, events: readonly TaskEvent[]): TaskState {
  let ownJobs: Record<string, JobState> | undefined;
  let ownExpanded: Record<string, readonly string[]> | undefined;
  const put: Put = {
    jobs: (jobs, added) => {
      if (jobs !== ownJobs) ownJobs = { ...jobs };
      for (const job of added) ownJobs[job.key] = job;
      return ownJobs;
    },
    expanded: (all, id, keys) => {
      if (all !== ownExpanded) ownExpanded = { ...all };
      ownExpanded[id] = keys;
      return ownExpanded;
    },
  };
  return events.reduce((current, event) => applied(current, event, put), state);
}

type Jobs = TaskState["jobs"];
type Expanded = TaskState["expanded"];
type Put = {
  /** The jobs with these in place of those of their keys. */
  readonly jobs: (jobs: Jobs, added: readonly JobState[]) => Jobs;
  readonly expanded: (all: Expanded, id: string, keys: readonly string[]) => Expanded;
};

function byKey(jobs: readonly JobState[]): Jobs {
  return Object.fromEntries(jobs.map((job) => [job.key, job]));
}

function applied(state: TaskState | undefined, event: TaskEvent, put: Put): TaskState {
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
      return expanded(state, event, put);
    case "TaskCancelRequested":
      return { ...state, cancel: canceledBy(event) };
    case "TaskExpired":
      return { ...state, expired: { at: event.at, reason: event.reason } };
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
        ...(event.result === undefined ? {} : { result: event.result }),
      };
    case "EffectBegun":
      return effectBegun(state, event);
    case "EffectEnded":
      return effectEnded(state, event);
    default: {
      const job = state.jobs[event.job];
      if (!job) throw new Error(`task ${state.id}: no job ${event.job} -> ${event.kind}`);
      const next = evolveJob(job, event);
      return {
        ...state,
        startedAt:
          state.startedAt ?? (event.kind === "JobStarted" || event.kind === "ChildStarted" ? event.at : undefined),
        jobs: put.jobs(state.jobs, [next]),
      };
    }
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
    ...(event.build === undefined ? {} : { build: event.build }),
    ...(event.siteDefaults === undefined ? {} : { siteDefaults: event.siteDefaults }),
    ...(event.override === undefined ? {} : { override: event.override }),
    ...(event.rollback === undefined ? {} : { rollback: event.rollback }),
    requestedBy: event.requestedBy,
    ...(event.causedBy === undefined ? {} : { causedBy: event.causedBy }),
    ...(event.trigger === undefined ? {} : { trigger: event.trigger }),
    requestedAt: event.at,
    ...(event.parent === undefined ? {} : { parent: event.parent }),
    ...(event.children === undefined ? {} : { children: event.children }),
    url: event.url,
    ...(event.callbacks === undefined ? {} : { callbacks: event.callbacks }),
    rerunOf: event.rerunOf,
    kept: event.kept ?? {},
    group: event.group,
    ...(event.ticket === undefined ? {} : { ticket: event.ticket }),
    ...(event.priority === undefined ? {} : { priority: event.priority }),
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

function expanded(state: TaskState, event: TaskEventOf<"JobExpanded">, put: Put): TaskState {
  const added = event.jobs.map(
    (one): JobState => ({
      key: one.key,
      id: event.job,
      each: one.each,
      site: one.site,
      ...(one.labels === undefined ? {} : { labels: one.labels }),
      ...(one.continueOnError ? { continueOnError: true } : {}),
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
    }),
  );
  return {
    ...state,
    expanded: put.expanded(
      state.expanded,
      event.job,
      event.jobs.map((one) => one.key),
    ),
    jobs: put.jobs(state.jobs, added),
  };
}

function canceledBy({ by, at, reason, final }: TaskEventOf<"TaskCancelRequested">): CancelState {
  return { by, at, reason, ...(final ? { final } : {}) };
}

function effectBegun(state: TaskState, event: TaskEventOf<"EffectBegun">): TaskState {
  const { key, job, step, effect, what, attempt } = event;
  const begun = { job, step, effect, what, state: "begun" as const, attempt, result: undefined };
  return { ...state, effects: { ...state.effects, [key]: begun } };
}

function effectEnded(state: TaskState, event: TaskEventOf<"EffectEnded">): TaskState {
  const effect = state.effects[event.key];
  if (!effect) throw new Error(`task ${state.id}: effect ${event.key} was never begun -> EffectEnded`);
  return { ...state, effects: { ...state.effects, [event.key]: { ...effect, state: "done", result: event.result } } };
}
