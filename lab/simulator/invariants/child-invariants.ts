// Of the tasks that do the work of jobs: each job has at most one, and a job that has waited for its task ended as that task did.

import type { TaskState } from "@gantry/core/task/model.ts";
import type { ViolationSink } from "../violation.ts";

/** To be called with each state that is committed. `waits`: whether a job of a pipeline waits for the task that it starts. */
export function createChildInvariant(
  waits: (pipeline: string, job: string) => boolean,
  violated: ViolationSink["violated"],
) {
  const tasks = new Map<string, string>();
  const outcomes = new Map<string, TaskState["outcome"]>();
  return ({ id, pipeline, parent, outcome, jobs }: TaskState): void => {
    outcomes.set(id, outcome);
    if (parent) {
      const place = `${parent.task}/${parent.job}`;
      const known = tasks.get(place) ?? id;
      if (known !== id) violated("one-child", `${known} and ${id} do the work of ${place}`);
      tasks.set(place, known);
    }
    for (const { key, child, outcome: of } of Object.values(jobs)) {
      if (child?.task === undefined || of !== "succeeded" || !waits(pipeline, key)) continue;
      const ended = outcomes.get(child.task);
      if (ended !== "succeeded")
        violated("child-outcome", `${key} of ${id} succeeded, and its task ${child.task} is ${ended ?? "open"}`);
    }
  };
}
