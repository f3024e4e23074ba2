// The tasks that need attention: held ones, and those that this person requested and that failed.

import type { TaskSummary } from "@gantry/wire/agent/views.ts";
import { computed, signal } from "@preact/signals";
import { me } from "./session.ts";

/** The newest 100 tasks. main.tsx keeps them up to date. */
export const recentTasks = signal<readonly TaskSummary[]>([]);

export const needsAttention = computed(() => decideAttention(recentTasks.value, me.value?.name));
export const attentionCount = computed(() => needsAttention.value.length);

const FAILED: readonly string[] = ["failed", "errored", "timed-out"];

/** `tasks`: newest first. A failed task needs no attention after a newer task of the same pipeline and app. */
export function decideAttention(tasks: readonly TaskSummary[], who: string | undefined): readonly TaskSummary[] {
  const seen = new Set<string>();
  return tasks.filter((task) => {
    const key = `${task.pipeline}/${task.app ?? ""}`;
    const isNewest = !seen.has(key);
    seen.add(key);
    if (task.state === "held") return true;
    return isNewest && task.requestedBy === who && FAILED.includes(task.state);
  });
}
