// Sizes of the boxes of the graph, in CSS pixels, as styles/task.css has them.

import type { JobView } from "@gantry/wire/agent/views.ts";
import type { Group } from "./decide-groups.ts";

export const WIDTH = 284;
const HEADER = 36;
const ROW = 26;
const WAITING = 22;
const PADDING = 6;

export function jobHeight(job: JobView): number {
  return HEADER + (job.waiting ? WAITING : 0) + Math.max(1, job.steps.length) * ROW + PADDING;
}

/** With the line of counts, and the button below the shown jobs. */
export function groupHeight({ shown }: Group): number {
  return HEADER + WAITING + (shown.length + 1) * ROW + PADDING;
}
