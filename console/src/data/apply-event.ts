// Applies an event to a view that was read before it, so that the page changes the moment the event arrives. The view is
// read again right after. An event that is not newer than the view changes nothing.

import type { JsonObject } from "@gantry/core/json.ts";
import { STATES, type State } from "@gantry/core/task/states.ts";
import type { FeedEvent, JobView, StepView, TaskSummary, TaskView } from "@gantry/wire/agent/views.ts";
import type { Page } from "./api.ts";

/** `version` of a task is the number of its newest event. A missed event does no harm: the view is read again. */
export function applyToTask(view: TaskView, event: FeedEvent): TaskView {
  if (event.subject !== view.id || event.taskseq <= view.version) return view;
  const fact = event.data.event;
  const next = { ...applyToSummary(view, event), version: event.taskseq };
  const { job: key, step: id } = fact;
  if (typeof key !== "string") return next;
  const jobs = view.jobs.map((job) => (job.key === key ? applyToJob(job, fact, id, event.time) : job));
  return { ...next, jobs };
}

/** A task as lists show it. */
function applyToSummary<T extends TaskSummary>(view: T, event: FeedEvent): T {
  const fact = event.data.event;
  if (event.subject !== view.id) return view;
  if (fact.kind === "JobStarted" && view.startedAt === undefined) {
    return { ...view, state: "running", startedAt: event.time };
  }
  if (fact.kind === "TaskFinalizing") return { ...view, state: "finalizing" };
  const outcome = stateOf(fact.outcome);
  if (fact.kind !== "TaskEnded" || outcome === undefined) return view;
  return {
    ...view,
    state: outcome,
    endedAt: event.time,
    ...(typeof fact.durationMs === "number" ? { durationMs: fact.durationMs } : {}),
    ...(typeof fact.headline === "string" ? { headline: fact.headline } : {}),
  };
}

const ROW_EVENTS: readonly unknown[] = [
  "TaskRequested",
  "TaskUnblocked",
  "JobWaiting",
  "JobGated",
  "ApprovalRequested",
  "ApprovalAnswered",
  "JobStarted",
  "StepEnded",
  "JobHeld",
  "JobResolved",
  "TaskCancelRequested",
  "TaskFinalizing",
  "TaskEnded",
];

/** Whether this event changes what a list of tasks shows. */
export function changesTaskRows({ data }: FeedEvent): boolean {
  return ROW_EVENTS.includes(data.event.kind);
}

/** A page of a list of tasks: changes the row of the task that the event is about. */
export function applyToPage<T extends TaskSummary>(page: Page<T>, event: FeedEvent): Page<T> {
  if (!page.items.some((row) => row.id === event.subject)) return page;
  return { ...page, items: page.items.map((row) => applyToSummary(row, event)) };
}

function applyToJob(job: JobView, fact: JsonObject, step: unknown, at: string): JobView {
  const { waiting: _, ...rest } = job;
  const outcome = stateOf(fact.outcome);
  switch (fact.kind) {
    case "JobClaimed":
      return { ...rest, state: "running", steps: job.steps.map(newStep) };
    case "JobStarted":
      return { ...rest, state: "running", startedAt: job.startedAt ?? at };
    case "ChildStarted":
      return {
        ...rest,
        state: "running",
        startedAt: at,
        ...(job.child ? { child: withTask(job.child, fact.task) } : {}),
      };
    case "AttemptEnded":
    case "AttemptLost":
      return { ...rest, state: "queued", steps: closeSteps(job.steps, "errored", at) };
    case "JobReady":
    case "JobResolved":
      // A step that was held with its job is run again: how it ended the last time stays unknown.
      return { ...rest, state: "queued", steps: closeSteps(job.steps, "errored", at) };
    case "JobWaiting":
    case "JobGated":
    case "ApprovalRequested":
      return { ...job, state: "waiting" };
    case "JobHeld":
      return { ...job, state: "held", steps: closeSteps(job.steps, "held", at) };
    case "JobSkipped":
      return { ...rest, state: "skipped", endedAt: at, steps: endSteps(job.steps, "skipped", at) };
    case "JobKept":
    case "JobEnded": {
      const state = fact.kind === "JobKept" ? "succeeded" : (outcome ?? job.state);
      return { ...rest, state, endedAt: at, steps: endSteps(job.steps, state, at, fact.kind === "JobKept") };
    }
    default:
      if (typeof step !== "string") return job;
      return { ...job, steps: job.steps.map((one) => (one.id === step ? applyToStep(one, fact, at) : one)) };
  }
}

function withTask(child: NonNullable<JobView["child"]>, task: unknown): NonNullable<JobView["child"]> {
  return typeof task === "string" ? { ...child, task } : child;
}

/** The state of a step before an attempt runs it. */
function newStep({ id, title, uses }: StepView): StepView {
  return { id, title, ...(uses === undefined ? {} : { uses }), state: "queued", tries: 0, outputs: {} };
}

/** Steps that were running when their attempt ended: their own end is unknown. Their clock stops once. */
function closeSteps(steps: StepView[], state: State, at: string): StepView[] {
  return steps.map((step) => {
    const isOpen = step.state === "running" || step.state === "waiting";
    // A reported end has a duration. For an unreported end, a view that was read meanwhile has the reason.
    const isUnreported = step.endedAt !== undefined && (step.durationMs === undefined || step.reason !== undefined);
    if (!isOpen && step.state !== "held" && !(step.state === "errored" && isUnreported)) return step;
    const { waiting: _, ...rest } = step;
    return { ...rest, state, endedAt: step.endedAt ?? at };
  });
}

/** Steps of a job that has ended: those that never ran have its outcome. */
function endSteps(steps: StepView[], state: State, at: string, isKept = false): StepView[] {
  const unrun = isKept || state === "canceled" ? state : "skipped";
  return closeSteps(steps, state, at).map((step) => (step.state === "queued" ? { ...step, state: unrun } : step));
}

function applyToStep(step: StepView, fact: JsonObject, at: string): StepView {
  const { waiting: _, told: __, ...rest } = step;
  if (fact.kind === "StepTold" && typeof fact.done === "number" && typeof fact.total === "number") {
    const text = typeof fact.text === "string" ? { text: fact.text } : {};
    return { ...step, told: { done: fact.done, total: fact.total, ...text, at } };
  }
  // A step that is tried again began when its first try began.
  if (fact.kind === "StepStarted") {
    return { ...rest, state: "running", startedAt: step.startedAt ?? at, tries: step.tries + 1 };
  }
  if (fact.kind === "StepWaiting" || fact.kind === "StepRetrying") return { ...step, state: "waiting" };
  if (fact.kind !== "StepEnded") return step;
  return {
    ...rest,
    state: stateOf(fact.outcome) ?? step.state,
    endedAt: at,
    ...(typeof fact.durationMs === "number" ? { durationMs: fact.durationMs } : {}),
    ...(fact.tolerated === true ? { tolerated: true } : {}),
  };
}

function stateOf(value: unknown): State | undefined {
  return STATES.find((state) => state === value);
}
