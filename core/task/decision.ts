// The result of a decision: either the events that follow from a request, or the reason why it is refused.

import { type ErrorCode, GantryError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import type { TaskEvent } from "./events.ts";
import type { JobState, TaskState } from "./model.ts";

/** No events and no refusal: the request has already had its effect; give the same answer as the first time. */
export type Decision =
  | { readonly events: readonly TaskEvent[]; readonly refuse?: undefined }
  | { readonly refuse: GantryError };

export const NOTHING: Decision = { events: [] };

export function refuse(code: ErrorCode, details: JsonObject): Decision {
  return { refuse: new GantryError(code, details) };
}

/** Whether the job itself, or its task, is canceled. The first cancel of a task does not affect the jobs of `finally`. */
export function isCanceled({ cancel }: TaskState, job: Pick<JobState, "final" | "cancel">): boolean {
  return job.cancel !== undefined || (cancel !== undefined && (!job.final || cancel.final === true));
}

/** "canceled by kim: wrong version", "canceled, because test[b] failed" */
export function cancelReason({ cancel }: TaskState, job: Pick<JobState, "cancel"> | undefined): string {
  if (job?.cancel) return `canceled, because ${job.cancel.reason}`;
  return `canceled by ${cancel?.by ?? "someone"}${cancel?.reason ? `: ${cancel.reason}` : ""}`;
}

/** The sender of a request about an attempt: the ref that the runner sent, and the runner and site that it is signed in as. */
export type Claimant = {
  readonly job: string;
  readonly attempt: number;
  readonly fence: number;
  readonly runner: string;
  readonly site: string;
};

/**
 * The fence check that every message of a runner passes. Returns the job if the claimant holds its newest lease, otherwise
 * the refusal: a stale fence may change nothing.
 */
export function holder(state: TaskState, claimant: Claimant): JobState | GantryError {
  const job = state.jobs[claimant.job];
  const lost = (problem: string): GantryError => new GantryError("lease-lost", { problem });
  if (!job || job.site !== claimant.site) return lost("The task has no such job.");
  if (claimant.fence < job.fence || claimant.attempt < job.attempt)
    return lost(`Attempt ${claimant.attempt} was given away; ${job.attempt} is the newest.`);
  if (job.phase === "ended") return lost(`The job has ended as ${job.outcome}.`);
  if (!job.lease || claimant.fence !== job.fence || claimant.attempt !== job.attempt)
    return lost("The job is not leased to this attempt.");
  if (job.lease.runner !== claimant.runner) return lost("Another runner holds the lease.");
  return job;
}
