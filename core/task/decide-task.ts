// People's requests about a task (cancel it, resolve a held job) and the agent's own (unblock it, record why it waits).

import { type Decision, NOTHING, refuse } from "./decision.ts";
import type { TaskEvent } from "./events.ts";
import type { TaskState } from "./model.ts";
import { effectsMarkedDone } from "./settle-effects.ts";

/** A second cancel within this time counts as the same request: a double click, or a repeated request. */
const SAME_REQUEST_MS = 5_000;

/**
 * Changes no lease and no timer. Running jobs are asked to stop, and jobs that have not started will not start. The jobs of
 * `finally` still run; a cancel while they run cancels them as well.
 */
export function decideCancel(
  state: TaskState,
  request: { by: string; reason?: string | undefined },
  now: number,
): Decision {
  // The request has already had its effect: the second answer equals the first, even if a job had failed before the cancel.
  // This does not hold if the cancel came too late.
  if (state.phase === "ended" && state.cancel && state.outcome !== "succeeded") return NOTHING;
  if (state.phase === "ended") return refuse("already-ended", { task: state.id, outcome: state.outcome ?? "" });
  const isFinal = state.phase === "finalizing";
  if (state.cancel && (!isFinal || state.cancel.final || now - state.cancel.at < SAME_REQUEST_MS)) return NOTHING;
  return {
    events: [
      {
        kind: "TaskCancelRequested",
        at: now,
        by: request.by,
        ...(isFinal ? { final: true as const } : {}),
        ...(request.reason === undefined ? {} : { reason: request.reason }),
      },
    ],
  };
}

/**
 * A newer task of the same group, with the policy `cancel-older`, replaces this one. `until`: a job; when it has started, this
 * task goes on. Safe to repeat.
 */
export function decideSupersede(
  state: TaskState,
  newer: { task: string; by: string; until?: string | undefined },
  now: number,
): Decision {
  if (state.phase === "ended" || state.cancel) return NOTHING;
  const isPast = Object.values(state.jobs).some(({ id, phase }) => id === newer.until && phase !== "pending");
  if (newer.until !== undefined && (isPast || state.phase === "finalizing")) return NOTHING;
  const reason = `The newer task ${newer.task} of the same concurrency group replaces it.`;
  return { events: [{ kind: "TaskCancelRequested", at: now, by: newer.by, reason }] };
}

export type Resolution = {
  readonly job: string;
  readonly answer: "run-again" | "mark-done" | "fail";
  readonly by: string;
  readonly reason?: string | undefined;
};

export function decideResolve(state: TaskState, request: Resolution, now: number): Decision {
  if (state.phase === "ended") return refuse("already-ended", { task: state.id, outcome: state.outcome ?? "" });
  const job = state.jobs[request.job];
  if (!job) return refuse("not-found", { kind: "job", name: request.job });
  if (job.phase !== "held")
    return refuse("conflict", { what: `Job ${job.key}`, problem: "is not held", why: `It is ${job.phase}.` });
  const resolved: TaskEvent = {
    kind: "JobResolved",
    at: now,
    job: job.key,
    by: request.by,
    answer: request.answer,
    ...(request.reason === undefined ? {} : { reason: request.reason }),
  };
  if (request.answer === "run-again") return { events: [resolved, { kind: "JobReady", at: now, job: job.key }] };
  const outcome = request.answer === "mark-done" ? "succeeded" : "failed";
  const failure =
    outcome === "failed"
      ? {
          failure: {
            code: "resolved",
            message: `${request.by} ended it as failed.`,
            ...(request.reason ? { why: request.reason } : {}),
          },
        }
      : {};
  // The person accepts the outcome that the lost runner reported later.
  const late = request.answer === "mark-done" ? job.attempts.at(-1)?.late : undefined;
  const outputs = late?.outcome === "succeeded" ? late.outputs : {};
  const settled = request.answer === "mark-done" ? effectsMarkedDone(state, job, now) : [];
  return { events: [resolved, ...settled, { kind: "JobEnded", at: now, job: job.key, outcome, outputs, ...failure }] };
}

/** `ended` has ended; `stillBefore` is the task that `ended` was waiting for, if it never had its turn. */
export function decideUnblock(state: TaskState, ended: string, stillBefore: string | undefined, now: number): Decision {
  if (state.phase !== "queued" || state.behind !== ended) return NOTHING;
  return {
    events: [
      stillBefore === undefined
        ? { kind: "TaskUnblocked", at: now }
        : { kind: "TaskRequeued", at: now, behind: stillBefore },
    ],
  };
}

/** There is room in the group for one more task. */
export function decideTurn({ phase }: TaskState, now: number): Decision {
  return phase === "queued" ? { events: [{ kind: "TaskUnblocked", at: now }] } : NOTHING;
}

/** Records in the history why a ready job waits, when the reason changes. */
export function decideWaiting(
  state: TaskState,
  waiting: { job: string; code: string; text: string; until?: number },
  now: number,
): Decision {
  const job = state.jobs[waiting.job];
  if (job?.phase !== "ready" || (job.waiting?.code === waiting.code && job.waiting.text === waiting.text))
    return NOTHING;
  const { code, text, until } = waiting;
  const end = until === undefined ? {} : { until };
  return { events: [{ kind: "JobWaiting", at: now, job: job.key, code, text, ...end }] };
}
