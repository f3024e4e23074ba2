// Which step the task page shows: the one in the address, else the one that a person most likely wants to see.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { JobView, StepView, TaskView } from "@gantry/wire/agent/views.ts";

export type Selection = { readonly job: string; readonly step: string };

export type Position = Selection & { readonly view: StepView };

const FAILURES: readonly string[] = ["failed", "errored", "timed-out"];

/** Whether it failed, and this counts for what comes after it. */
export function hasFailed(
  of: Pick<JobView, "state" | "continueOnError"> | Pick<StepView, "state" | "tolerated">,
): boolean {
  return FAILURES.includes(of.state) && !isTolerated(of);
}

/** It failed, and `continueOnError` lets the job or the task go on. */
export function isTolerated(
  of: Partial<Pick<JobView, "continueOnError"> & Pick<StepView, "tolerated">> & { readonly state: string },
): boolean {
  return FAILURES.includes(of.state) && (of.continueOnError === true || of.tolerated === true);
}

/** The runner of the job has not been heard from lately, so the job's state is the last known one. */
export function isSilent(job: JobView): boolean {
  return job.notHeardSince !== undefined;
}

/** Every step, in the order of the list. */
export function stepsOf(task: TaskView): readonly Position[] {
  return task.jobs.flatMap((job) => job.steps.map((view) => ({ job: job.key, step: view.id, view })));
}

/**
 * The step in the address as far as it exists. Otherwise, in this order: where the task failed, any failed step, a held
 * job, a running step, the next step to run, the last step that ran.
 */
export function decideSelection(
  task: TaskView,
  asked: { job: string | null; step: string | null },
): Selection | undefined {
  const all = stepsOf(task);
  const inJob = all.filter(({ job }) => job === asked.job);
  const candidates = inJob.length > 0 ? inJob : all;
  const exact = candidates.find(({ step, job }) => step === asked.step && job === asked.job);
  const { failedAt } = task;
  const held = task.jobs.find((job) => job.state === "held");
  const found =
    exact ??
    (inJob.length > 0 ? undefined : all.find(({ job, step }) => job === failedAt?.job && step === failedAt.step)) ??
    candidates.find(({ view }) => hasFailed(view)) ??
    candidates.find(({ job, view }) => job === held?.key && view.state !== "succeeded") ??
    candidates.find(({ view }) => view.state === "running") ??
    candidates.find(({ view }) => view.state === "waiting" || view.state === "queued") ??
    candidates.findLast(({ view }) => view.state !== "skipped") ??
    candidates.at(-1);
  return found && { job: found.job, step: found.step };
}

/** The step `by` places further down; the first or last one at the ends. */
export function decideMove(task: TaskView, from: Selection | undefined, by: number): Selection | undefined {
  const all = stepsOf(task);
  const at = all.findIndex(({ job, step }) => job === from?.job && step === from.step);
  const next = all[Math.max(0, Math.min(all.length - 1, at + by))];
  return next && { job: next.job, step: next.step };
}

/** The next failed step, after the last one again the first; undefined when no step failed. */
export function decideNextFailure(task: TaskView, from: Selection | undefined): Selection | undefined {
  const all = stepsOf(task);
  const at = all.findIndex(({ job, step }) => job === from?.job && step === from.step);
  const next = [...all.slice(at + 1), ...all.slice(0, at + 1)].find(({ view }) => hasFailed(view));
  return next && { job: next.job, step: next.step };
}

/** Screen reader text for a newly selected step: `Step 2 of 5, failed: Run the tests, in build`. */
export function positionText(task: TaskView, { job, step }: Selection): string {
  const all = stepsOf(task);
  const at = all.findIndex((one) => one.job === job && one.step === step);
  const found = all[at];
  if (!found) return "";
  return `Step ${at + 1} of ${all.length}, ${STATE_LOOKS[found.view.state].word}: ${found.view.title}, in ${job}`;
}
