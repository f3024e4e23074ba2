// The jobs that one job of the file becomes (`each`, `matrix`) as a group: how many of them run at once, and what happens to
// the others when one fails.

import type { Job } from "../pipeline/pipeline.ts";
import { isCanceled } from "./decision.ts";
import type { TaskEvent } from "./events.ts";
import { hasFailed } from "./failed-places.ts";
import type { JobState, TaskState, Waiting } from "./model.ts";

/** `failFast`: after the first one that did not succeed, the others are canceled, or only those that have not begun. */
export function cancelOthers(state: TaskState, job: Job, now: number): TaskEvent[] {
  if (job.failFast === undefined) return [];
  const jobs = jobsOf(state, job);
  const failed = jobs.find(hasFailed);
  if (failed === undefined) return [];
  const reason = `${failed.key} ended as ${failed.outcome} and the job has failFast`;
  return jobs
    .filter((one) => one.phase !== "ended" && !isCanceled(state, one))
    .filter((one) => job.failFast === true || one.phase === "pending" || one.phase === "ready")
    .map((one): TaskEvent => ({ kind: "JobCancelRequested", at: now, job: one.key, reason }));
}

/**
 * How many more of the jobs may become ready. A held one counts: what it began may still run. So does one that waits for its
 * next attempt.
 */
export function roomFor(state: TaskState, job: Job): number {
  if (job.maxParallel === undefined) return Number.POSITIVE_INFINITY;
  return job.maxParallel - jobsOf(state, job).filter(isActive).length;
}

/** Why a job that could start is still pending, since what it needs has ended; undefined when it is not because of `maxParallel`. */
export function waitsForRoom(state: TaskState, job: Job, one: JobState): Waiting | undefined {
  const isNext = one.phase === "pending" && jobsOf(state, job).some(isActive);
  if (!isNext || roomFor(state, job) > 0) return undefined;
  const text = `Of the jobs of ${job.id}, at most ${job.maxParallel} run at the same time.`;
  const needs = job.needs.flatMap((id) => state.expanded[id] ?? []);
  const since = Math.max(state.requestedAt, ...needs.map((key) => state.jobs[key]?.endedAt ?? 0));
  return { code: "max-parallel", text, since };
}

function isActive({ phase }: JobState): boolean {
  return phase === "ready" || phase === "leased" || phase === "held" || phase === "delegated";
}

function jobsOf(state: TaskState, { id }: Job): readonly JobState[] {
  return (state.expanded[id] ?? []).map((key) => state.jobs[key]).filter((one) => one !== undefined);
}
