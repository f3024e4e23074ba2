// The tasks that need attention: held ones, those that this person requested and that failed, and for administrators those
// that failed and belong to no app, such as a check of the systems.

import type { TaskSummary } from "@gantry/wire/agent/views.ts";
import { computed, signal } from "@preact/signals";
import type { Me } from "./api.ts";
import { me } from "./session.ts";

/** The newest 100 tasks. main.tsx keeps them up to date. */
export const recentTasks = signal<readonly TaskSummary[]>([]);

export const needsAttention = computed(() => decideAttention(recentTasks.value, me.value));
export const attentionCount = computed(() => needsAttention.value.length);

const FAILED: readonly string[] = ["failed", "errored", "timed-out"];

/** `tasks`: newest first. A failed task needs no attention after a newer task of the same pipeline and app. */
export function decideAttention(
  tasks: readonly TaskSummary[],
  who: Pick<Me, "name" | "role"> | undefined,
): readonly TaskSummary[] {
  const seen = new Set<string>();
  return tasks.filter((task) => {
    const key = `${task.pipeline}/${task.app ?? ""}`;
    const isNewest = !seen.has(key);
    seen.add(key);
    if (task.state === "held") return true;
    const isConcerned = task.requestedBy === who?.name || (task.app === undefined && who?.role === "admin");
    return isNewest && isConcerned && FAILED.includes(task.state);
  });
}
