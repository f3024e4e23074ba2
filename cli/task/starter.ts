// Who or what a task was started by.

import type { TaskSummary } from "@gantry/wire/agent/views.ts";

/** A person may start again, or by hand, what a trigger began: then it is the person. */
export function starterOf({ requestedBy, trigger }: Pick<TaskSummary, "requestedBy" | "trigger">): string {
  return trigger && requestedBy.startsWith("trigger:") ? trigger.text : requestedBy;
}
