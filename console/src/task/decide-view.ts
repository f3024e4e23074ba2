// Which view the task page shows: graph, list, timeline, or only the log of the selected step.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { decideParts } from "./decide-groups.ts";

export const VIEWS = ["graph", "list", "timeline"] as const;
export type View = (typeof VIEWS)[number] | "log";

/** A graph with more boxes is too large to read. */
const MAX_BOXES = 150;

/**
 * The view of a task page that has just been opened. A failed task opens as a list, which has the log of the failed step
 * beside it. This is decided once: a task that fails while somebody looks at its graph stays a graph.
 */
export function decideFirstView(task: TaskView): View {
  const hasFailed = STATE_LOOKS[task.state].ended && task.failedAt !== undefined;
  return hasFailed || decideParts(task, undefined, new Set()).length > MAX_BOXES ? "list" : "graph";
}

/** `asked`: the view in the address. On a narrow screen only the list and the log fit. */
export function decideView(asked: string | null, first: View, isNarrow: boolean): View {
  if (asked === "log") return "log";
  if (isNarrow) return "list";
  return VIEWS.find((one) => one === asked) ?? first;
}
