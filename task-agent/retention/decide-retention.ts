// What may be moved to the archive, and how much at once. Pure.

import { KEY_WINDOW_DAYS, type RetentionPolicy, taskTerms } from "@gantry/core/retention/policy.ts";
import type { LiveSettings } from "@gantry/core/settings/settings.ts";
import type { TaskState } from "@gantry/core/task/model.ts";

export const DAY_MS = 86_400_000;

/** The policy of the configuration with the current settings applied. */
export function effectivePolicy(policy: RetentionPolicy, now: LiveSettings): RetentionPolicy {
  const { tasks, logs } = policy;
  return {
    enabled: now["retention.paused"] === undefined ? policy.enabled : !now["retention.paused"],
    tasks: {
      ...tasks,
      days: now["retention.taskDays"] ?? tasks.days,
      keep: now["retention.keepTasks"] ?? tasks.keep,
    },
    logs: { ...logs, days: now["retention.logDays"] ?? logs.days },
    webhooks: policy.webhooks,
  };
}

export type RetainableTask = Pick<TaskState, "phase" | "requestedAt" | "endedAt" | "pipeline">;

export type RetentionFacts = {
  readonly policy: RetentionPolicy;
  /** Store time, ms. */
  readonly now: number;
  /** It is one of the newest `keep` ended tasks of its app and pipeline. */
  readonly isNewest: boolean;
  /** An open task waits behind it or reruns it, or its app refers to it. */
  readonly isReferenced: boolean;
  /** `seq` of its last event. */
  readonly lastSeq: number;
  /** The `seq` up to which all known readers have read. */
  readonly readUpTo: number;
};

/** Why a task stays in the journal. A label of the metric `gantry_retention_held_back`. */
export type KeepReason = "off" | "open" | "young" | "key" | "newest" | "referred" | "unread" | "changed";

/** Why the task stays; undefined: it may be archived. */
export function decideKeep(task: RetainableTask, facts: RetentionFacts): KeepReason | undefined {
  return decideKeepByTask(task, facts) ?? keepReasonByContext(facts);
}

/** The reasons that depend only on the task. If there is one, nothing else needs to be read. */
export function decideKeepByTask(
  task: RetainableTask,
  { policy, now }: Pick<RetentionFacts, "policy" | "now">,
): KeepReason | undefined {
  if (!policy.enabled) return "off";
  if (task.phase !== "ended" || task.endedAt === undefined) return "open";
  if (now - task.endedAt < taskTerms(policy, task.pipeline).days * DAY_MS) return "young";
  if (now - task.requestedAt < KEY_WINDOW_DAYS * DAY_MS) return "key";
  return undefined;
}

function keepReasonByContext({ isNewest, isReferenced, lastSeq, readUpTo }: RetentionFacts): KeepReason | undefined {
  if (isNewest) return "newest";
  if (isReferenced) return "referred";
  return lastSeq > readUpTo ? "unread" : undefined;
}

/** A reader of the feed: it has read up to the `seq` `after`, and was last heard of at `atMs` (store time). */
export type Reader = { readonly name: string; readonly after: number; readonly atMs: number };

/** A reader that has been silent for so long holds nothing back. Notifications are retried for three days at most. */
export const READER_SILENT_MS = 7 * DAY_MS;

/** The `seq` up to which all have read. `relay`: the position of the relay to Kafka; undefined when there is none. */
export function decideReadUpTo(readers: readonly Reader[], relay: number | undefined, now: number): number {
  const positions = readers.filter(({ atMs }) => now - atMs < READER_SILENT_MS).map(({ after }) => after);
  return Math.min(Number.POSITIVE_INFINITY, relay ?? Number.POSITIVE_INFINITY, ...positions);
}

/**
 * Whether the logs of this task may be archived. `state`: undefined when the task is not in the journal; then `isArchived`
 * counts.
 */
export function decideArchiveLogs(
  state: Pick<TaskState, "phase" | "endedAt"> | undefined,
  { policy, now, isArchived }: { readonly policy: RetentionPolicy; readonly now: number; readonly isArchived: boolean },
): boolean {
  if (!policy.enabled) return false;
  if (!state) return isArchived;
  return state.phase === "ended" && state.endedAt !== undefined && now - state.endedAt >= policy.logs.days * DAY_MS;
}

/** Requests must not wait for a removal longer than about 20 ms, of which an fsync alone takes some. */
const TARGET_MS = 15;
const MAX_BATCH = 50;

/** How many tasks to remove at once, after removing `count` took `tookMs`. The store does nothing else during a removal. */
export function nextBatch(count: number, tookMs: number): number {
  if (tookMs > TARGET_MS) return Math.max(1, Math.floor(count / 2));
  return tookMs < TARGET_MS / 2 ? Math.min(MAX_BATCH, count + 1) : count;
}
