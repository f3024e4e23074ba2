// Where a task failed: jobs can fail at several places, for example on several targets of one deployment.

import type { Pipeline } from "../pipeline/pipeline.ts";
import type { FailedAt, JobState, TaskState } from "./model.ts";
import { isBad } from "./states.ts";

/** The jobs that failed, errored or timed out, in the order in which they ended. */
export function failedJobs(state: TaskState): readonly JobState[] {
  const failed = Object.values(state.jobs).filter((job) => isBad(job.outcome));
  return failed.toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
}

/** The step at which a job ended; only the job when it ended outside its steps. */
export function placeOf(job: JobState): FailedAt {
  const step = job.steps.find((one) => one.state !== "succeeded" && one.state !== "skipped" && one.state !== "queued");
  return step ? { job: job.key, step: step.id } : { job: job.key };
}

/** `deploy[tokyo]: Wait until the pods run`: the step by its title, as people know it. */
export function placeName(place: FailedAt, state: TaskState, pipeline: Pipeline): string {
  const id = state.jobs[place.job]?.id;
  const job = [...pipeline.jobs, ...pipeline.finally].find((one) => one.id === id);
  const step = job?.steps.find((one) => one.id === place.step)?.title ?? place.step;
  return step ? `${place.job}: ${step}` : place.job;
}
