// What can happen to a task: facts, in the past tense. One closed union; `evolve` folds them, people read them.

import type { SavedArtifact } from "../artifact/artifact.ts";
import type { Callback } from "../callback/callback-shape.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import type { Annotation } from "../log/annotation.ts";
import type { StepProgress } from "../log/progress.ts";
import type { Failure } from "../step/outcome.ts";
import type { Demand, FailedAt, KeptJob, Parent, Rollback, TaskResult } from "./model.ts";
import type { Priority } from "./priority.ts";
import type { Outcome } from "./states.ts";

/** Every event has the store's time in ms at which it happened; steps may be reported much later. */
type Fact<K extends string, B = unknown> = { readonly kind: K; readonly at: number } & B;
type OfJob = { readonly job: string };
type OfAttempt = OfJob & { readonly attempt: number };
type OfStep = OfAttempt & { readonly step: string };

export type TaskEvent =
  | Fact<
      "TaskRequested",
      {
        readonly task: string;
        readonly pipeline: string;
        readonly definition: string;
        readonly title: string;
        readonly app?: string;
        readonly appScope: JsonObject;
        readonly params: JsonObject;
        /** The build that the task deploys, as expressions see it. */
        readonly build?: JsonObject;
        /** By site, if the pipeline reads them: what its expressions find in `defaults`. */
        readonly siteDefaults?: { readonly [site: string]: JsonObject };
        /** Why the policy of an environment is not applied, in the words of who requested it. */
        readonly override?: string;
        /** What the task takes back. Absent: it is no rollback. */
        readonly rollback?: Rollback;
        readonly requestedBy: string;
        /** People because of whom a trigger started it: who requested the task before it, or delivered a webhook again. */
        readonly causedBy?: readonly string[];
        /** What started it, as expressions see it. Absent: a person. */
        readonly trigger?: JsonObject;
        /** The job of another task that started it. */
        readonly parent?: Parent;
        /** The versions of the pipelines that its jobs, and those of its children, run: by name. */
        readonly children?: { readonly [pipeline: string]: string };
        readonly url: string;
        readonly rerunOf?: string;
        readonly group?: string;
        /** Absent: `normal`. */
        readonly priority?: Priority;
        /** The task of the same group that must end first. */
        readonly behind?: string;
        /** Its place in the order of its group. Absent: an older version wrote it, or it has no group. */
        readonly ticket?: number;
        /** Addresses that are told when it has ended. Absent: none. */
        readonly callbacks?: readonly Callback[];
        /** Jobs that succeeded in the task that this one reruns; they are taken over and not run again. */
        readonly kept?: { readonly [job: string]: KeptJob };
      }
    >
  /** It has its turn in its group: the task that it waited for has ended, or there is room for one more. */
  | Fact<"TaskUnblocked">
  /** The task that it waited for was canceled before its turn, so it waits for the one before that. */
  | Fact<"TaskRequeued", { readonly behind: string }>
  | Fact<"JobExpanded", OfJob & { readonly final: boolean; readonly jobs: readonly ExpandedJob[] }>
  /** Taken over from the task that this one reruns. */
  | Fact<"JobKept", OfJob & KeptJob>
  /** `passed`: the targets whose environments have let the job through. */
  | Fact<"JobReady", OfJob & { readonly notBefore?: number; readonly passed?: readonly string[] }>
  /** It could start, and waits for a place in its concurrency group. */
  | Fact<
      "JobQueued",
      OfJob & {
        readonly group: string;
        readonly policy: "queue" | "cancel-older" | "reject";
        readonly limit: number;
      }
    >
  /** It has a place in its concurrency group. */
  | Fact<"JobAdmitted", OfJob & { readonly group: string }>
  /** People or a calendar hold it again: it gives back its place in its concurrency group, or waits for none any more. */
  | Fact<"JobLeftGroup", OfJob & { readonly group: string }>
  /** The job starts a task of this pipeline in place of steps. `passed`: as in JobReady. */
  | Fact<
      "ChildRequested",
      OfJob & { readonly pipeline: string; readonly params: JsonObject; readonly passed?: readonly string[] }
    >
  | Fact<"ChildStarted", OfJob & { readonly task: string }>
  /** Since it is ready. `until`: when what it waits for ends by itself, ms since 1970. */
  | Fact<"JobWaiting", OfJob & { readonly code: string; readonly text: string; readonly until?: number }>
  /** The calendar of an environment is closed, or its concurrency group is full. `until`: when it opens, ms since 1970. */
  | Fact<"JobGated", OfJob & { readonly code: string; readonly text: string; readonly until?: number }>
  /** Nobody has approved anything yet. Answers to an earlier request of the job are void. */
  | Fact<"ApprovalRequested", OfJob & Asked>
  | Fact<"ApprovalReminded", OfJob & Pick<Asked, "question" | "until" | "approvers"> & { readonly plan?: string }>
  /** More people are asked. `escalated`: the indexes of the demands. `approvers`: those people. */
  | Fact<
      "ApprovalEscalated",
      OfJob & Pick<Asked, "plan" | "question" | "until" | "approvers"> & { readonly escalated: readonly number[] }
    >
  | Fact<
      "ApprovalAnswered",
      OfJob & {
        readonly plan: string;
        readonly by: string;
        readonly answer: "approve" | "reject";
        readonly reason?: string;
        readonly inputs?: JsonObject;
        /** The indexes of the demands that the person counts for. */
        readonly counts: readonly number[];
      }
    >
  | Fact<"ApprovalExpired", OfJob & Pick<Asked, "question">>
  /** What environments demand of people and of the time does not hold the job any more. */
  | Fact<"PolicyOverridden", OfJob & { readonly by: string; readonly reason: string }>
  | Fact<
      "JobClaimed",
      OfAttempt & {
        readonly fence: number;
        readonly runner: string;
        readonly choice: string;
        readonly steps: readonly string[];
      }
    >
  | Fact<"JobStarted", OfAttempt>
  | Fact<"StepStarted", OfStep & Numbered>
  | Fact<"StepWaiting", OfStep & Numbered & { readonly reason: string; readonly retryAfterMs: number }>
  /** How far it is, as its script tells. */
  | Fact<"StepTold", OfStep & StepProgress>
  | Fact<
      "StepRetrying",
      OfStep & Numbered & { readonly try: number; readonly failure: Failure; readonly retryAfterMs: number }
    >
  | Fact<
      "StepEnded",
      OfStep &
        Numbered & {
          readonly outcome: Outcome;
          readonly durationMs: number;
          readonly outputs?: JsonObject;
          readonly failure?: Failure;
          readonly reason?: string;
          /** It failed, and its `continueOnError` lets the job go on. */
          readonly tolerated?: true;
          readonly annotations?: readonly Annotation[];
          readonly annotationsLeftOut?: number;
          readonly summaryBytes?: number;
        }
    >
  | Fact<"ArtifactSaved", OfAttempt & { readonly name: string } & Omit<SavedArtifact, "attempt" | "savedAt">>
  | Fact<"EffectBegun", OfStep & { readonly key: string; readonly effect: string; readonly what: string }>
  | Fact<"EffectEnded", OfAttempt & { readonly key: string; readonly result: JsonObject }>
  | Fact<
      "AttemptEnded",
      OfAttempt & {
        readonly outcome: Outcome;
        readonly outputs: JsonObject;
        readonly failure?: Failure;
        /** Of the report, to distinguish a repeat from a different report. */
        readonly digest: string;
      }
    >
  /** The report of an attempt that had been given up. It may come after the end of the task, and changes no outcome. */
  | Fact<
      "ReportCameLate",
      OfAttempt & { readonly outcome: Outcome; readonly outputs: JsonObject; readonly failure?: Failure }
    >
  | Fact<
      "AttemptLost",
      OfAttempt & {
        readonly started: boolean;
        readonly reason: string;
        /** Of the report, when the runner itself said that it was cut off and has stopped. */
        readonly digest?: string;
      }
    >
  /** The job shall stop, or shall not start, because of another job of the task. */
  | Fact<"JobCancelRequested", OfJob & { readonly reason: string }>
  | Fact<"JobHeld", OfJob & { readonly reason: string }>
  | Fact<
      "JobResolved",
      OfJob & { readonly by: string; readonly answer: "run-again" | "mark-done" | "fail"; readonly reason?: string }
    >
  | Fact<"JobSkipped", OfJob & { readonly because: "condition" | "upstream"; readonly reason: string }>
  | Fact<"JobEnded", OfJob & { readonly outcome: Outcome; readonly outputs: JsonObject; readonly failure?: Failure }>
  | Fact<
      "TaskCancelRequested",
      {
        readonly by: string;
        readonly reason?: string;
        /** The cancel came while `finally` ran, and cancels that as well. */
        readonly final?: true;
      }
    >
  /** No runner took a job of it in time: all of it ends. */
  | Fact<"TaskExpired", { readonly reason: string }>
  | Fact<"TaskFinalizing">
  | Fact<
      "TaskEnded",
      {
        readonly outcome: Outcome;
        readonly durationMs: number;
        readonly outputs: JsonObject;
        readonly failure?: Failure;
        readonly failedAt?: FailedAt;
        /** One sentence for people: what, where, how it ended. */
        readonly headline: string;
        readonly result?: TaskResult;
        /** The addresses that are told of this end. Absent: none. */
        readonly told?: readonly string[];
      }
    >;

type Asked = {
  /** Digest of what was asked for. An answer names it. */
  readonly plan: string;
  readonly question: string;
  readonly demands: readonly Demand[];
  /** All who may answer, in words of the policy; empty: whoever has the verb. */
  readonly approvers: readonly string[];
  readonly environments: readonly string[];
  readonly targets: readonly string[];
  /** When it expires, ms since 1970. */
  readonly until: number;
};

/** The runner's number of a progress event within its attempt: 1, 2, 3 … */
type Numbered = { readonly progress: number };

export type ExpandedJob = {
  readonly key: string;
  readonly each: JsonValue;
  readonly site: string;
  readonly labels?: readonly string[];
  /** Its failure does not count for what comes after it. */
  readonly continueOnError?: true;
};

export type TaskEventKind = TaskEvent["kind"];
export type TaskEventOf<K extends TaskEventKind> = Extract<TaskEvent, { kind: K }>;
