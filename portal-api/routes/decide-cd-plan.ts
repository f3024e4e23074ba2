// The plan of a deployment from the task that makes it: Plan CD, or Run CD itself. Pure.

import {
  type CdPlan,
  type DemandView,
  type PlanWarning,
  plannedTarget,
  type TargetPlan,
} from "@gantry/wire/agent/deployments.ts";
import type { JobView, TaskView } from "@gantry/wire/agent/views.ts";

/** `demands`: what the environments of the app demand now. */
export function decideCdPlan(task: TaskView, demands: readonly DemandView[]): CdPlan {
  const planning = task.jobs.filter(({ id }) => id === "plan" || id === "check");
  const targets = planning.flatMap((job) => targetOf(job, demands) ?? []);
  const isRunning = task.endedAt === undefined && !planning.every(({ endedAt }) => endedAt !== undefined);
  const isComplete = planning.length > 0 && planning.length === targets.length;
  return {
    task: task.id,
    state:
      isRunning || (planning.length === 0 && task.endedAt === undefined) ? "running" : isComplete ? "ready" : "failed",
    problem: problemOf(task, planning),
    targets,
  };
}

function problemOf(task: TaskView, planning: readonly JobView[]): string {
  const said = task.jobs.find(({ id }) => id === "images")?.outputs.problem;
  if (typeof said === "string" && said !== "") return said;
  const failure = planning.find((job) => job.failure)?.failure ?? (planning.length === 0 ? task.failure : undefined);
  return failure ? failure.message.replace(/\.$/, "") : "";
}

function targetOf(job: JobView, demands: readonly DemandView[]): TargetPlan | undefined {
  const parsed = plannedTarget.safeParse(job.outputs.plan);
  if (!parsed.success) return undefined;
  const { environment, approval, closed } = demands.find(({ target }) => target === parsed.data.target) ?? {};
  const waits: PlanWarning[] = closed
    ? [{ code: closed.code, severity: "waits", text: closed.text.replace(/\.$/, "") }]
    : [];
  return {
    ...parsed.data,
    warnings: [...waits, ...parsed.data.warnings],
    site: job.site,
    ...(environment === undefined ? {} : { environment }),
    ...(approval === undefined ? {} : { approval }),
  };
}
