// What may leave the journal, and how much of it at once. Pure.

import { KEY_WINDOW_DAYS, type RetentionPolicy, taskTerms } from "@gantry/core/retention/policy.ts";
import type { LiveSettings } from "@gantry/core/settings/settings.ts";
import type { TaskState } from "@gantry/core/task/model.ts";

export const DAY_MS = 86_400_000;

/** The policy of the configuration, with what operators have set since. */
export function policyNow(policy: RetentionPolicy, now: LiveSettings): RetentionPolicy {
  const { tasks, logs } = policy;
  return {
    enabled: now["retention.paused"] === undefined ? policy.enabled : !now["retention.paused"],
    tasks: {
      ...tasks,
      days: now["retention.taskDays"] ?? tasks.days,
      keep: now["retention.keepTasks"] ?? tasks.keep,
    },
    logs: { ...logs, days: now["retention.logDays"] ?? logs.days },
  };
}

export type Leaving = Pick<TaskState, "phase" | "requestedAt" | "endedAt" | "pipeline">;

export type RetentionFacts = {
  readonly policy: RetentionPolicy;
  /** Store time, ms. */
  readonly now: number;
  /** It is one of the newest ended tasks of its app and pipeline, as many as `keep` says. */
  readonly isNewest: boolean;
  /** A task that has not ended waits behind it or reruns it, or its app names it. */
  readonly isReferredTo: boolean;
  /** `seq` of its last event, and up to which seq every reader that is known has read. */
  readonly lastSeq: number;
  readonly readUpTo: number;
};

export type Stay = "off" | "open" | "young" | "key" | "newest" | "referred" | "unread" | "changed";

/** Why the task stays, or undefined: it may leave. */
export function decideStay(task: Leaving, facts: RetentionFacts): Stay | undefined {
  return decideByItself(task, facts) ?? decideByOthers(facts);
}

/** What the task alone says; no more needs to be read where that is enough. */
export function decideByItself(
  task: Leaving,
  { policy, now }: Pick<RetentionFacts, "policy" | "now">,
): Stay | undefined {
  if (!policy.enabled) return "off";
  if (task.phase !== "ended" || task.endedAt === undefined) return "open";
  if (now - task.endedAt < taskTerms(policy, task.pipeline).days * DAY_MS) return "young";
  if (now - task.requestedAt < KEY_WINDOW_DAYS * DAY_MS) return "key";
  return undefined;
}

function decideByOthers({ isNewest, isReferredTo, lastSeq, readUpTo }: RetentionFacts): Stay | undefined {
  if (isNewest) return "newest";
  if (isReferredTo) return "referred";
  return lastSeq > readUpTo ? "unread" : undefined;
}

export type Reader = { readonly name: string; readonly after: number; readonly atMs: number };

/** A reader that was not heard of for so long holds nothing back any more. Events are told to people for three days. */
export const READER_SILENT_MS = 7 * DAY_MS;

/** Up to which seq all have read. `relay`: the place of the way out to Kafka, where there is one. */
export function decideReadUpTo(readers: readonly Reader[], relay: number | undefined, now: number): number {
  const places = readers.filter(({ atMs }) => now - atMs < READER_SILENT_MS).map(({ after }) => after);
  return Math.min(Number.POSITIVE_INFINITY, relay ?? Number.POSITIVE_INFINITY, ...places);
}

/** May the log of this task leave? `state`: as the journal has it; `isArchived` counts where it has none. */
export function decideLogLeaves(
  state: Pick<TaskState, "phase" | "endedAt"> | undefined,
  { policy, now, isArchived }: { readonly policy: RetentionPolicy; readonly now: number; readonly isArchived: boolean },
): boolean {
  if (!policy.enabled) return false;
  if (!state) return isArchived;
  return state.phase === "ended" && state.endedAt !== undefined && now - state.endedAt >= policy.logs.days * DAY_MS;
}

/** An fsync alone takes some of it. Requests are not to wait for more than about 20 ms. */
const AIM_MS = 15;
const MOST = 50;

/** How many tasks to remove at once, after `count` took `tookMs`: the store does nothing else meanwhile. */
export function nextBatch(count: number, tookMs: number): number {
  if (tookMs > AIM_MS) return Math.max(1, Math.floor(count / 2));
  return tookMs < AIM_MS / 2 ? Math.min(MOST, count + 1) : count;
}
