// The state of a task, folded from its events. Plain JSON: it is what the journal keeps as the snapshot.
// Times are milliseconds since 1970 by the store's clock.

import type { Escalation } from "../access/approval.ts";
import type { SavedArtifact } from "../artifact/artifact.ts";
import type { BuildFacts } from "../build/build.ts";
import type { Callback } from "../callback/callback-shape.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import type { Annotation } from "../log/annotation.ts";
import type { StepProgress } from "../log/progress.ts";
import type { Failure } from "../step/outcome.ts";
import type { Priority } from "./priority.ts";
import type { Outcome } from "./states.ts";

export type TaskState = {
  readonly id: string;
  /** Name of the pipeline, and the digest under which its definition is kept. */
  readonly pipeline: string;
  readonly definition: string;
  /** Sentence for lists: "Run CD: orders". */
  readonly title: string;
  readonly app: string | undefined;
  /** What expressions see as `app`: the app's record and facts when the task was requested. */
  readonly appScope: JsonObject;
  readonly params: JsonObject;
  /** The build that it deploys. Absent: none. */
  readonly build?: JsonObject;
  /** By site: what expressions see as `defaults`. Absent: the pipeline does not read them. */
  readonly siteDefaults?: { readonly [site: string]: JsonObject };
  /** Why the policy of an environment was not applied. Absent: it was. */
  readonly override?: string;
  /** What it takes back. Absent: it is no rollback. */
  readonly rollback?: Rollback;
  readonly requestedBy: string;
  /** People because of whom a trigger started it. Absent: nobody but who requested it. */
  readonly causedBy?: readonly string[];
  /** What started it, as expressions see it. Absent: a person. */
  readonly trigger?: JsonObject;
  readonly requestedAt: number;
  /** The job of another task that started it. Absent: none did. */
  readonly parent?: Parent;
  /** The versions of the pipelines that its jobs, and those of its children, run: by name. Absent: they run none. */
  readonly children?: { readonly [pipeline: string]: string };
  readonly url: string;
  readonly rerunOf: string | undefined;
  /** Addresses that are told when it has ended. Absent: none. */
  readonly callbacks?: readonly Callback[];
  /** Jobs that are taken over from the task that this one reruns, by key. */
  readonly kept: { readonly [job: string]: KeptJob };
  /** Of the tasks of one group, only so many run at the same time as the pipeline says. */
  readonly group: string | undefined;
  /** Its place in the order of its group. Absent: an older version wrote it, or it has no group. */
  readonly ticket?: number;
  /** The task of the same group that this one waits for. */
  readonly behind: string | undefined;
  readonly cancel: CancelState | undefined;
  /** No runner took a job of it in time. Absent: it has not expired. */
  readonly expired?: { readonly at: number; readonly reason: string };
  /** Whose jobs runners take first. Absent: `normal`. */
  readonly priority?: Priority;
  readonly phase: "queued" | "running" | "finalizing" | "ended";
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly outcome: Outcome | undefined;
  readonly failure: Failure | undefined;
  readonly failedAt: FailedAt | undefined;
  readonly outputs: JsonObject;
  /** What its end says of the app. Absent before the end, and in tasks of older versions. */
  readonly result?: TaskResult;
  /** Job id of the definition → keys of its jobs; absent until `each` could be evaluated. */
  readonly expanded: { readonly [jobId: string]: readonly string[] };
  readonly jobs: { readonly [key: string]: JobState };
  readonly effects: { readonly [key: string]: EffectState };
};

/** `depth`: how many tasks have started each other to get here; 1 for the child of a task without a parent. */
export type Parent = { readonly task: string; readonly job: string; readonly depth: number };

/** `task`: absent until it has started. */
export type ChildState = { readonly pipeline: string; readonly params: JsonObject; readonly task?: string };

export type TaskResult = {
  /** `remember` of the pipeline. */
  readonly facts?: JsonObject;
  /** `build` of the pipeline. */
  readonly build?: BuildFacts;
  /** The targets of jobs with `deploys` that ran. */
  readonly deployed?: readonly DeployedTarget[];
};

export type DeployedTarget = {
  readonly target: string;
  readonly outcome: Outcome;
  /** Of the yaml repository. Absent: the job did not come so far, or no step of it says so. */
  readonly commit?: string;
  /** The app was not healthy there at the end, as a step of the job has seen. */
  readonly unhealthy?: true;
};

/** A task that deploys an earlier build again, in place of what is deployed. */
export type Rollback = {
  /** Target → what it takes back there. */
  readonly from: { readonly [target: string]: Pick<Deployment, "build" | "commit" | "task"> };
  readonly reason?: string;
};

/** A job that is taken over from the task that this one reruns. */
export type KeptJob = {
  readonly outputs: JsonObject;
  readonly steps: readonly { readonly id: string; readonly outputs: JsonObject }[];
  readonly artifacts?: Artifacts;
};

/** By name. */
export type Artifacts = { readonly [name: string]: SavedArtifact };

export type CancelState = {
  readonly by: string;
  readonly at: number;
  readonly reason: string | undefined;
  /** The jobs of `finally` are canceled, too. */
  readonly final?: true;
};

export type Resolved = {
  readonly by: string;
  readonly at: number;
  readonly answer: "run-again" | "mark-done" | "fail";
  readonly reason: string | undefined;
};

export type FailedAt = { readonly job: string; readonly step?: string };

export type JobState = {
  readonly key: string;
  readonly id: string;
  readonly each: JsonValue;
  readonly site: string;
  /** With expressions filled in; absent in tasks of an older version. */
  readonly labels?: readonly string[];
  /** Its failure does not count for what comes after it. */
  readonly continueOnError?: true;
  readonly final: boolean;
  /**
   * pending (needs not met, or people or a calendar hold it) → ready (may be offered) → leased (a runner owns it) → ended; leased → ready when it is given
   * away or retried; leased → held when only a person can decide whether it may run again. A job with `pipeline`: pending → delegated (another task does its work) → ended.
   */
  readonly phase: "pending" | "ready" | "leased" | "held" | "delegated" | "ended";
  /** The task that does its work. Absent: its steps do. */
  readonly child?: ChildState;
  readonly readyAt: number | undefined;
  /** Not to be offered before: the delay of a retry. */
  readonly notBefore: number | undefined;
  readonly waiting: Waiting | undefined;
  /** Number of the current or last attempt; 0 before the first. */
  readonly attempt: number;
  /** Attempts that failed, errored or timed out; they count towards the limit of `retry`. */
  readonly charged: number;
  /** Attempts that were lost after they had started. */
  readonly lost: number;
  /** The highest fence ever given out for this job. */
  readonly fence: number;
  readonly lease: LeaseState | undefined;
  /** Number of the last progress event of the current attempt. */
  readonly progress: number;
  readonly steps: readonly StepState[];
  readonly outputs: JsonObject;
  /** What it has saved, by name: the newest attempt that saved one of this name. Absent: nothing. */
  readonly artifacts?: Artifacts;
  readonly outcome: Outcome | undefined;
  readonly failure: Failure | undefined;
  /** Where skipped: by its own condition, or because of what came before. */
  readonly skipped: "condition" | "upstream" | undefined;
  /** It is canceled because of another job of the task. Absent: it is not, unless the task is. */
  readonly cancel?: { readonly at: number; readonly reason: string };
  /** It waits for a place in its concurrency group. Absent: it does not. */
  readonly queued?: QueuedState | undefined;
  /** The concurrency group in which it has a place, until it has ended or is held again. Absent: it has none. */
  readonly slot?: string | undefined;
  /** The last decision of a person while it was held; absent after the next claim, and in older tasks. */
  readonly resolved?: Resolved | undefined;
  /** What people were asked before it may start, and what they answered. Absent: nothing was asked. */
  readonly approval?: ApprovalState | undefined;
  /** What environments demand does not hold it. */
  readonly overridden?: { readonly by: string; readonly at: number; readonly reason: string };
  /** The targets whose environments let it through. Absent: none demands anything, or it has not been let through. */
  readonly passed?: readonly string[];
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly attempts: readonly AttemptState[];
};

export type QueuedState = {
  readonly group: string;
  readonly policy: "queue" | "cancel-older" | "reject";
  readonly limit: number;
  readonly since: number;
};

/** `until`: when it ends by itself, ms since 1970. */
export type Waiting = {
  readonly code: string;
  readonly text: string;
  readonly since: number;
  readonly until?: number | undefined;
};

/** So many people of these must approve. */
export type Demand = {
  /** The environment that demands it; absent: the pipeline does. */
  readonly environment?: string;
  readonly approvers: readonly string[];
  readonly count: number;
  readonly notOwn: boolean;
  /** Who is asked later, too. Absent: nobody. */
  readonly escalate?: Escalation;
  /** They are among the approvers now. Absent: not yet. */
  readonly escalated?: true;
};

export type ApprovalState = {
  /** Digest of what was asked for. */
  readonly plan: string;
  readonly question: string;
  readonly demands: readonly Demand[];
  readonly environments: readonly string[];
  readonly targets: readonly string[];
  readonly requestedAt: number;
  readonly expiresAt: number;
  readonly reminded?: true;
  readonly answers: readonly ApprovalAnswer[];
  readonly state: "asked" | "approved" | "rejected" | "expired";
};

export type ApprovalAnswer = {
  readonly by: string;
  readonly at: number;
  readonly answer: "approve" | "reject";
  readonly reason: string | undefined;
  readonly inputs: JsonObject | undefined;
  /** The indexes of the demands that the person counts for. */
  readonly counts: readonly number[];
};

export type LeaseState = { readonly runner: string; readonly started: boolean; readonly claimedAt: number };

export type AttemptState = {
  readonly attempt: number;
  /** The fence of its lease. */
  readonly fence: number;
  readonly runner: string;
  readonly claimedAt: number;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  /** An outcome, or `lost`. */
  readonly outcome: Outcome | "lost" | undefined;
  readonly failure: Failure | undefined;
  /** Digest of the report that ended it, to distinguish a repeat from a different report. */
  readonly digest: string | undefined;
  /** What its runner reported after the attempt had been given up. It decides nothing, but helps a person to decide. */
  readonly late: LateReport | undefined;
};

export type LateReport = {
  readonly at: number;
  readonly outcome: Outcome;
  readonly outputs: JsonObject;
  readonly failure: Failure | undefined;
};

export type StepState = {
  readonly id: string;
  readonly state: "queued" | "running" | "waiting" | Outcome;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly durationMs: number | undefined;
  readonly waiting: Waiting | undefined;
  readonly tries: number;
  readonly outputs: JsonObject;
  readonly failure: Failure | undefined;
  readonly reason: string | undefined;
  /** It failed, and the job went on. */
  readonly tolerated?: true;
  /** How far it is, as its script told last. Absent: it told nothing, or has ended. */
  readonly told?: StepProgress & { readonly at: number };
  /** What its script said about its files. Absent: nothing, or an older runner ran it. */
  readonly annotations?: readonly Annotation[];
  /** How many more it said. */
  readonly annotationsLeftOut?: number;
  /** Size of the summary that its script wrote. Absent: none. */
  readonly summaryBytes?: number;
};

export type EffectState = {
  readonly job: string;
  readonly step: string;
  readonly effect: string;
  readonly what: string;
  readonly state: "begun" | "done";
  /** The attempt that began it last. */
  readonly attempt: number;
  readonly result: JsonObject | undefined;
};

/** An app as the task-agent knows it, kept in its own stream. */
export type AppState = {
  readonly name: string;
  /** `removed`: the app no longer exists for Gantry, and its name is free. */
  readonly state: "creating" | "ready" | "failed" | "undoing" | "removed";
  readonly createdBy: string;
  readonly createdAt: number;
  /** The task that created it, is creating it, or is undoing its creation. */
  readonly task: string;
  readonly record: JsonObject;
  readonly facts: JsonObject;
  /** Pipeline → its newest task for this app. */
  readonly latest: { readonly [pipeline: string]: string };
  /** `key`: begins the names of its builds; never used again, unlike the name of the app. Absent: it has no build yet. */
  readonly builds?: { readonly key: string; readonly last: number };
  /** Target → the last deployment there. */
  readonly deployed?: { readonly [target: string]: Deployment };
  /** Target → the builds that were deployed there successfully, the last one first, each build once. Absent: an older version wrote it. */
  readonly good?: { readonly [target: string]: readonly Deployment[] };
};

export type Deployment = {
  /** The number of the build; absent for an image without one. */
  readonly build?: number;
  /** Of the yaml repository. Absent: not known. */
  readonly commit?: string;
  readonly task: string;
  readonly by: string;
  readonly at: number;
  readonly outcome: Outcome;
};
