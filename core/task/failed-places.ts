// Where a task failed: jobs can fail at several places, for example on several targets of one deployment.

import type { Pipeline } from "../pipeline/pipeline.ts";
import type { FailedAt, JobState, StepState, TaskState } from "./model.ts";
import { isBad } from "./states.ts";

/** Whether the job failed, errored or timed out, and this counts for what comes after it. */
export function hasFailed({ outcome, continueOnError }: Pick<JobState, "outcome" | "continueOnError">): boolean {
  return isBad(outcome) && continueOnError !== true;
}

/** The jobs that failed, errored or timed out, in the order in which they ended; without those that may. */
export function failedJobs(state: TaskState): readonly JobState[] {
  return inOrder(Object.values(state.jobs).filter(hasFailed));
}

/** The jobs that failed, and whose `continueOnError` lets the task go on. */
export function toleratedJobs(state: TaskState): readonly JobState[] {
  return inOrder(Object.values(state.jobs).filter((job) => isBad(job.outcome) && !hasFailed(job)));
}

function inOrder(jobs: readonly JobState[]): readonly JobState[] {
  return jobs.toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
}

/** The step at which a job ended; only the job when it ended outside its steps. */
export function placeOf(job: JobState): FailedAt {
  const passed: readonly StepState["state"][] = ["succeeded", "skipped", "queued"];
  const step = job.steps.find(({ state, tolerated }) => !passed.includes(state) && tolerated !== true);
  return step ? { job: job.key, step: step.id } : { job: job.key };
}

/** `deploy[tokyo]: Wait until the pods run`: the step by its title, as people know it. */
export function placeName(place: FailedAt, state: TaskState, pipeline: Pipeline): string {
  const id = state.jobs[place.job]?.id;
  const job = [...pipeline.jobs, ...pipeline.finally].find((one) => one.id === id);
  const step = job?.steps.find((one) => one.id === place.step)?.title ?? place.step;
  return step ? `${place.job}: ${step}` : place.job;
}
