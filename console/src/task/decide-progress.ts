// How far a task is, and which of its jobs failed.

import type { JobView, TaskView } from "@gantry/wire/agent/views.ts";
import { progressWords } from "../parts/format.ts";
import { hasFailed, stepsOf } from "./decide-selection.ts";

/** From the steps, which change with every event, and not from the counts of the view. */
export function progressText(task: TaskView): string {
  const steps = stepsOf(task);
  const inState = (state: string): number => steps.filter(({ view }) => view.state === state).length;
  const skipped = inState("skipped");
  const total = Math.max(task.stepsTotal, steps.length);
  return progressWords(inState("succeeded"), total, skipped);
}

export function failedJobs(task: TaskView): readonly JobView[] {
  return task.jobs.filter(hasFailed);
}
