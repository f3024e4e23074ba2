// A ready job in the queue. Dispatch changes only its `offer` and `dueMs`.

import type { Work } from "@gantry/core/pipeline/work.ts";
import { jobDefinition, labelsOf } from "@gantry/core/task/decide-lease.ts";
import { isFromFork } from "@gantry/core/task/from-fork.ts";
import type { JobState } from "@gantry/core/task/model.ts";
import { rankOf } from "@gantry/core/task/priority.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import type { Session } from "./sessions.ts";

/** An offer that a runner may claim. `choice` says why this runner was chosen. */
export type OpenOffer = { readonly job: ReadyJob; readonly ref: JobRef; readonly choice: string };

export type ReadyJob = {
  readonly id: string;
  readonly task: string;
  readonly job: string;
  readonly site: string;
  readonly labels: readonly string[];
  readonly work: readonly Work[];
  readonly isOfApp: boolean;
  readonly isOfFork: boolean;
  readonly app: string | undefined;
  readonly pipeline: string;
  /** The concurrency groups that it is in. */
  readonly queues: readonly string[];
  /** Runners that lost an attempt of the job. */
  readonly lostBy: readonly string[];
  readonly attempt: number;
  readonly lastFence: number;
  /** The smallest is offered first: by priority and age. */
  readonly rank: number;
  /** When it may be offered, on the monotonic clock: setting the wall clock back delays no retry. */
  dueMs: number;
  offer:
    | { readonly id: string; readonly session: Session; readonly expiresMs: number; readonly open: OpenOffer }
    | undefined;
};

export function readyJobs({ state, pipeline }: TaskRecord, clock: Pick<Clock, "nowMs" | "monotonicMs">): ReadyJob[] {
  return Object.values(state.jobs)
    .filter((job) => job.phase === "ready")
    .map((job) => ({
      id: readyJobId(state.id, job.key),
      task: state.id,
      job: job.key,
      site: job.site,
      labels: labelsOf(pipeline, job),
      work: jobDefinition(pipeline, job.id).work ?? [],
      isOfApp: pipeline.origin === "app",
      isOfFork: isFromFork(state),
      app: state.app,
      pipeline: state.pipeline,
      queues: [state.group, job.slot].filter((group) => group !== undefined),
      lostBy: job.attempts.filter(({ outcome }) => outcome === "lost").map(({ runner }) => runner),
      attempt: job.attempt,
      lastFence: job.fence,
      rank: rankOf(state.priority, Math.max(job.readyAt ?? 0, job.notBefore ?? 0)),
      dueMs: clock.monotonicMs() + delayLeft(job, clock.nowMs()),
      offer: undefined,
    }));
}

export function readyJobId(task: string, job: string): string {
  return `${task} ${job}`;
}

/** What is left of the delay of a retry, ms; never more than the whole delay, whatever the wall clock says. */
function delayLeft({ readyAt, notBefore }: JobState, nowMs: number): number {
  if (notBefore === undefined || readyAt === undefined) return 0;
  const whole = Math.max(0, notBefore - readyAt);
  return Math.min(whole, Math.max(0, notBefore - nowMs));
}
