// How far a task is, and which of its jobs failed.

import type { JobView, TaskView } from "@gantry/wire/agent/views.ts";
import { hasFailed, stepsOf } from "./decide-selection.ts";

/** `3 of 11 steps succeeded, 7 skipped`. A skipped step did no work, so it does not count as done. */
export function progressText(task: TaskView): string {
  const steps = stepsOf(task);
  const inState = (state: string): number => steps.filter(({ view }) => view.state === state).length;
  const skipped = inState("skipped");
  const total = Math.max(task.stepsTotal, steps.length);
  return `${inState("succeeded")} of ${total} steps succeeded${skipped === 0 ? "" : `, ${skipped} skipped`}`;
}

export function failedJobs(task: TaskView): readonly JobView[] {
  return task.jobs.filter(hasFailed);
}
