// `expires`: what no runner takes in time ends by itself, with a reason. Pure: it follows from the task and the time, so every
// agent comes to the same result.

import { formatDuration } from "../pipeline/duration.ts";
import type { Job, Pipeline } from "../pipeline/pipeline.ts";
import type { Failure } from "../step/outcome.ts";
import type { TaskEvent } from "./events.ts";
import type { JobState, TaskState } from "./model.ts";

/** When the task expires, ms since 1970; undefined: never, or a runner has taken a job of it. */
export function taskExpiresAt({ expiresMs }: Pick<Pipeline, "expiresMs">, state: TaskState): number | undefined {
  if (expiresMs === undefined || state.phase === "ended" || state.cancel || state.expired) return undefined;
  return Object.values(state.jobs).some(({ attempt, child }) => attempt > 0 || child !== undefined)
    ? undefined
    : state.requestedAt + expiresMs;
}

/** When the job expires, ms since 1970; undefined: never, or it cannot start yet, or a runner has taken it. */
export function jobExpiresAt({ expiresMs }: Pick<Job, "expiresMs">, one: JobState): number | undefined {
  if (expiresMs === undefined || one.attempt > 0) return undefined;
  const since = one.phase === "pending" ? one.queued?.since : one.phase === "ready" ? one.readyAt : undefined;
  return since === undefined ? undefined : since + expiresMs;
}

/** The event of a task that has expired by now. */
export function followTaskExpiry(pipeline: Pipeline, state: TaskState, now: number): TaskEvent | undefined {
  const at = taskExpiresAt(pipeline, state);
  if (at === undefined || now < at) return undefined;
  const { message, why } = expiredFailure("No runner took a job of the task", pipeline, reasonOf(state));
  return { kind: "TaskExpired", at: now, reason: `${message} ${why}` };
}

/** The end of a job that has expired by now. */
export function followJobExpiry(job: Job, one: JobState, now: number): TaskEvent | undefined {
  const at = jobExpiresAt(job, one);
  if (at === undefined || now < at) return undefined;
  const failure = expiredFailure("No runner took the job", job, one.waiting?.text);
  return { kind: "JobEnded", at: now, job: one.key, outcome: "timed-out", outputs: {}, failure };
}

/** What ends the jobs of a task that has expired. Nothing of it has run, so there is nothing to clean up. */
export function endExpired(pipeline: Pipeline, state: TaskState, now: number): readonly TaskEvent[] {
  const unexpanded = pipeline.jobs.filter(({ id }) => !state.expanded[id]);
  const open = Object.values(state.jobs).filter(({ phase }) => phase !== "ended");
  const failure = failureOfExpired(state);
  return [
    ...open.map((one): TaskEvent => {
      return { kind: "JobEnded", at: now, job: one.key, outcome: "timed-out", outputs: {}, ...failure };
    }),
    ...unexpanded.map((job): TaskEvent => ({ kind: "JobExpanded", at: now, job: job.id, final: false, jobs: [] })),
  ];
}

export function failureOfExpired({ expired }: TaskState): { readonly failure?: Failure } {
  return expired ? { failure: { code: "expired", message: expired.reason } } : {};
}

function expiredFailure(what: string, { expiresMs = 0 }: { expiresMs?: number }, waiting: string | undefined) {
  const message = `${what} within ${formatDuration(expiresMs)} (\`expires\`).`;
  return { code: "expired", message, why: waiting ?? "It waited for its turn." };
}

function reasonOf(state: TaskState): string | undefined {
  if (state.behind !== undefined) return `It waited for task ${state.behind}, which was requested before.`;
  return Object.values(state.jobs).find(({ waiting }) => waiting !== undefined)?.waiting?.text;
}
