// What happens to a job whose work another task does: that task starts, ends, or cannot start. Each is safe to repeat.

import type { JsonObject } from "../json.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { Failure } from "../step/outcome.ts";
import { jobDefinition } from "../task/decide-lease.ts";
import { type Decision, isCanceled, NOTHING } from "../task/decision.ts";
import type { TaskEvent } from "../task/events.ts";
import type { JobState, TaskState } from "../task/model.ts";
import type { Outcome } from "../task/states.ts";

type Of = { readonly state: TaskState; readonly pipeline: Pipeline };

/** The job, while another task does its work. */
export function delegatedJob({ phase, jobs }: TaskState, key: string): JobState | undefined {
  const job = Object.hasOwn(jobs, key) ? jobs[key] : undefined;
  return phase !== "ended" && job?.phase === "delegated" ? job : undefined;
}

/** Whether the task that does the work of the job must stop with it. A job that does not wait has succeeded by then. */
export function stopsChild(state: TaskState, key: string): boolean {
  const job = Object.hasOwn(state.jobs, key) ? state.jobs[key] : undefined;
  if (job?.phase === "ended") return job.outcome === "canceled";
  return job?.phase === "delegated" && isCanceled(state, job);
}

export function decideChildStarted({ state, pipeline }: Of, key: string, task: string, now: number): Decision {
  const job = delegatedJob(state, key);
  if (!job || job.child?.task !== undefined) return NOTHING;
  const started: TaskEvent = { kind: "ChildStarted", at: now, job: key, task };
  const { wait } = jobDefinition(pipeline, job.id);
  return { events: wait === false ? [started, ended(key, now, "succeeded", {})] : [started] };
}

/** `child`: the task, which has ended. */
export function decideChildEnded(state: TaskState, key: string, child: TaskState, now: number): Decision {
  const job = delegatedJob(state, key);
  if (!job || job.child?.task !== child.id || child.outcome === undefined) return NOTHING;
  const { outcome } = child;
  if (outcome === "succeeded") return { events: [ended(key, now, outcome, child.outputs)] };
  if (outcome !== "canceled")
    return { events: [ended(key, now, outcome, {}, failureOf(child, `ended as ${outcome}`))] };
  if (isCanceled(state, job)) return { events: [ended(key, now, "canceled", {})] };
  // Nobody has canceled this task, so what needs the job must not run as if the job had done its work.
  const by = `was canceled by ${child.cancel?.by ?? "somebody"}`;
  return { events: [ended(key, now, "failed", {}, failureOf(child, by))] };
}

/** The task could not start. */
export function decideChildRefused(state: TaskState, key: string, failure: Failure, now: number): Decision {
  if (!delegatedJob(state, key)) return NOTHING;
  return { events: [ended(key, now, "errored", {}, failure)] };
}

/** There is nothing for a task to do. */
export function decideChildNeedless(state: TaskState, key: string, reason: string, now: number): Decision {
  if (!delegatedJob(state, key)) return NOTHING;
  return { events: [{ kind: "JobSkipped", at: now, job: key, because: "condition", reason }] };
}

/** The job had to wait for its approval, and does nothing more. */
export function decideChildPassed(state: TaskState, key: string, now: number): Decision {
  if (!delegatedJob(state, key)) return NOTHING;
  return { events: [ended(key, now, "succeeded", {})] };
}

/** The job was canceled before its task had started. */
export function decideChildNever(state: TaskState, key: string, now: number): Decision {
  const job = delegatedJob(state, key);
  if (!job || job.child?.task !== undefined || !isCanceled(state, job)) return NOTHING;
  return { events: [ended(key, now, "canceled", {})] };
}

function failureOf({ id, pipeline, failure, cancel }: TaskState, ending: string): Failure {
  const why = failure?.message ?? cancel?.reason;
  return {
    code: "child-failed",
    message: `Task ${id} of ${pipeline} ${ending}.`,
    ...(why === undefined ? {} : { why }),
  };
}

function ended(job: string, at: number, outcome: Outcome, outputs: JsonObject, failure?: Failure): TaskEvent {
  return { kind: "JobEnded", at, job, outcome, outputs, ...(failure === undefined ? {} : { failure }) };
}
