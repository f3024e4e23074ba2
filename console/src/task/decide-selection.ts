// Which step a task page shows: the one in the address, else the one that a person wants to see.

import type { JobView, StepView, TaskView } from "@gantry/wire/agent/views.ts";

export type Selection = { readonly job: string; readonly step: string };

const BAD: readonly string[] = ["failed", "errored", "timed-out"];

export function isSilent(job: JobView): boolean {
  return job.notHeardSince !== undefined;
}

/** Every step in the order of the list. */
function stepsOf(task: TaskView): readonly (Selection & { readonly view: StepView })[] {
  return task.jobs.flatMap((job) => job.steps.map((view) => ({ job: job.key, step: view.id, view })));
}

/** The address wins as far as it fits; then where it failed, what is held, what runs, what comes next, the last one. */
export function decideSelection(
  task: TaskView,
  asked: { job: string | null; step: string | null },
): Selection | undefined {
  const all = stepsOf(task);
  const inJob = all.filter(({ job }) => job === asked.job);
  const pool = inJob.length > 0 ? inJob : all;
  const exact = pool.find(({ step, job }) => step === asked.step && job === asked.job);
  const { failedAt } = task;
  const held = task.jobs.find((job) => job.state === "held");
  const found =
    exact ??
    (inJob.length > 0 ? undefined : pool.find(({ job, step }) => job === failedAt?.job && step === failedAt.step)) ??
    pool.find(({ view }) => BAD.includes(view.state)) ??
    pool.find(({ job, view }) => job === held?.key && view.state !== "succeeded") ??
    pool.find(({ view }) => view.state === "running") ??
    pool.find(({ view }) => view.state === "waiting" || view.state === "queued") ??
    pool.findLast(({ view }) => view.state !== "skipped") ??
    pool.at(-1);
  return found && { job: found.job, step: found.step };
}

/** The step `by` places further, or the next failure. */
export function decideMove(task: TaskView, from: Selection | undefined, by: number): Selection | undefined {
  const all = stepsOf(task);
  const at = all.findIndex(({ job, step }) => job === from?.job && step === from.step);
  const next = all[Math.max(0, Math.min(all.length - 1, at + by))];
  return next && { job: next.job, step: next.step };
}

export function decideNextFailure(task: TaskView, from: Selection | undefined): Selection | undefined {
  const all = stepsOf(task);
  const at = all.findIndex(({ job, step }) => job === from?.job && step === from.step);
  const next = [...all.slice(at + 1), ...all.slice(0, at + 1)].find(({ view }) => BAD.includes(view.state));
  return next && { job: next.job, step: next.step };
}
