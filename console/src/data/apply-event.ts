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
  "JobStarted",
  "StepEnded",
  "JobHeld",
  "JobResolved",
  "TaskCancelRequested",
  "TaskFinalizing",
  "TaskEnded",
];

/** Does this event change what a list of tasks shows? */
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
  if (fact.kind === "JobStarted") return { ...rest, state: "running", startedAt: job.startedAt ?? at };
  if (fact.kind === "JobHeld") return { ...job, state: "held" };
  if (fact.kind === "JobEnded") return { ...rest, state: stateOf(fact.outcome) ?? job.state, endedAt: at };
  if (typeof step !== "string") return job;
  return { ...job, steps: job.steps.map((one) => (one.id === step ? applyToStep(one, fact, at) : one)) };
}

function applyToStep(step: StepView, fact: JsonObject, at: string): StepView {
  const { waiting: _, ...rest } = step;
  if (fact.kind === "StepStarted") return { ...rest, state: "running", startedAt: at };
  if (fact.kind !== "StepEnded") return step;
  return {
    ...rest,
    state: stateOf(fact.outcome) ?? step.state,
    endedAt: at,
    ...(typeof fact.durationMs === "number" ? { durationMs: fact.durationMs } : {}),
  };
}

function stateOf(value: unknown): State | undefined {
  return STATES.find((state) => state === value);
}
