// Which ways to run an ended task again are offered, and what they are called.

import type { RerunPlanView } from "@gantry/wire/agent/rerun-plan.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { hasFailed } from "./decide-selection.ts";

export type Rerun = { readonly from: "failed" | "all"; readonly label: string; readonly hint?: string };

const HINT = "Jobs that succeeded keep their outputs and do not run again";

/** `failed` runs every job again that did not succeed. It is offered where that differs from running all jobs. */
export function decideReruns(task: Pick<TaskView, "state" | "jobs">): readonly Rerun[] {
  const all: Rerun = { from: "all", label: "Rerun all jobs" };
  if (task.state === "succeeded") return [all];
  if (task.jobs.some(hasFailed)) return [{ from: "failed", label: "Rerun failed jobs", hint: HINT }, all];
  const hasSucceeded = task.jobs.some(({ state }) => state === "succeeded");
  return hasSucceeded ? [{ from: "failed", label: "Rerun unfinished jobs", hint: HINT }, all] : [all];
}

/** "runs again: it ended as failed", "is reused: it succeeded" */
export function planInWords({ does, because }: Pick<RerunPlanView["jobs"][number], "does" | "because">): string {
  const words = { run: "runs", reuse: "is reused", skip: "is skipped" };
  return `${words[does]}: ${because}`;
}
