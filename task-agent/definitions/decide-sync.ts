// When the repository of definitions is read again, and what a task that has read it has found. Pure.

import type { TaskState } from "@gantry/core/task/model.ts";
import type { DefinitionRepository } from "@gantry/wire/agent/definitions.ts";
import type { SyncState } from "./sync-stream.ts";

export type SyncConfig = { readonly repository: DefinitionRepository; readonly everyMs: number };

/** What a task has read: the commit, and the files as packed by its step. */
export type Found = { readonly commit: string; readonly subject: string; readonly bundle: unknown };

/** Whether it is to be read now by itself. While a task is pending, only a person asks for another one. */
export function isDue({ repository, everyMs }: SyncConfig, state: SyncState | undefined, now: number): boolean {
  if (!state || !isSame(state.repository, repository)) return true;
  return state.result !== undefined && now - state.requestedAt >= everyMs;
}

/** Whether a task has not begun to read: it will see what was pushed before now. */
export function canServe({ repository }: SyncConfig, state: SyncState, task: TaskState): boolean {
  const hasBegun = Object.values(task.jobs).some(({ attempt }) => attempt > 0);
  return isSame(state.repository, repository) && task.phase !== "ended" && !hasBegun;
}

/** What an ended task has found, or why it has found nothing. */
export function foundBy(task: TaskState): Found | { readonly problem: string } {
  const job = Object.values(task.jobs)[0];
  if (task.outcome !== "succeeded" || !job) {
    const why = task.failure ?? job?.failure;
    return { problem: `Task ${task.id} ${task.outcome ?? "has not ended"}${why ? `: ${why.message}` : ""}` };
  }
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  // With the name of a branch that does not exist, a tag would be read. Branches are protected, tags are mostly not.
  const { branch } = job.outputs;
  if (branch !== undefined && branch !== task.params.branch)
    return { problem: `There is no branch ${text(task.params.branch)}: only ${text(branch)}, which does not count.` };
  const bundle = job.steps.find(({ id }) => id === "publish")?.outputs.bundle;
  return { commit: text(job.outputs.commit), subject: text(job.outputs.subject), bundle };
}

export function isSame(a: DefinitionRepository, b: DefinitionRepository): boolean {
  return a.system === b.system && a.project === b.project && a.slug === b.slug && a.branch === b.branch;
}
