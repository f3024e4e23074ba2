// A pipeline after parsing and normalising: every default filled in, every duration in milliseconds, every name checked. It
// is plain JSON, so that a task can pin it and a runner can be handed a part of it.  A Template is JSON whose strings may
// contain `${{ expression }}` (CEL). A string that is exactly one expression becomes its value with its type; in any other
// string the values become text. A value is never evaluated again.  What an expression may name:
//   params.*   the parameters           app.*    the app's record (name, source, yaml, image, targets, facts …)
//   task.*     id, url, requestedBy, pipeline, app, rollback (only of a rollback)
//   trigger.*  kind, and what facts.ts of core/trigger lists for that kind
//   each       the element of `each:`, or the values of `matrix:` by axis
//   site       name of the job's site   status   "succeeded" | "failed" | "canceled": how it stands so far
//   needs.<job>.outputs.* · .outcome · .each (list of {each, outcome, outputs} where that job has `each` or `matrix`)
//   steps.<id>.outputs.* · .outcome     secrets.<NAME> (only in a step's `with` and `env`: resolved at the site)
//   approval   by, reason and inputs.* of the approval that the job waited for; `.approval` of needs.<job> is that of the other job
// `jobs.<job>` is the same as `needs.<job>`. A job sees the jobs that it needs, a job of `finally` also all of `jobs`, and
// the `outputs` and `remember` of the pipeline see every job. places.ts says where each of these may be named.

import type { Approvers } from "../access/approval.ts";
import type { ArtifactSpec, CacheSpec, DownloadSpec } from "../artifact/artifact-spec.ts";
import type { Callback } from "../callback/callback-shape.ts";
import type { Action } from "../choice/actions.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import type { Trigger } from "../trigger/trigger.ts";
import type { Retry } from "./retry.ts";
import type { Work } from "./work.ts";

export type Template = JsonValue;
/** A CEL expression without its `${{ }}`. */
export type Condition = string;

export type Pipeline = {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  /** Text of the button: a verb and its object. */
  readonly button: string;
  /**
   * `existing`: runs for a stored app, which expressions see as `app`. `new`: creates the app named by the param `name`; on
   * success `outputs.app` becomes its record. `none`: not about an app.
   */
  readonly app: "existing" | "new" | "none";
  /** The button of an app that it is for. Absent: one of its own, or that of its name (choose-pipeline.ts). */
  readonly action?: Action;
  /** The apps that it is chosen for, as in a selector. Absent: those that name it. Without an action: those that its triggers start it for. */
  readonly apps?: readonly string[];
  /** What starts it by itself. Absent: only people do. */
  readonly triggers?: readonly Trigger[];
  /** Undoes the creation of its app; the app is removed when it succeeds. Never in a file. */
  readonly undoes?: true;
  /**
   * The author: the platform team, whose folder of pipelines is configured, or the people of an app in their own repository.
   * Set by the reader of the file, never by the file. Absent in definitions that an older version stored.
   */
  readonly origin?: Origin;
  /** JSON Schema of type object; the form is made from it. Defaults may be templates over `app` and `task`. Use params.ts. */
  readonly params: ParamsSchema;
  readonly concurrency: Concurrency | undefined;
  /** A priority of core/task/priority.ts. Absent: `normal`. */
  readonly priority?: Template;
  /** The task ends when no job of it has been taken by a runner so long after its request. Absent: it waits. */
  readonly expiresMs?: number;
  readonly jobs: readonly Job[];
  /** Run when all of `jobs` have ended, whatever their outcome, also after a cancel. */
  readonly finally: readonly Job[];
  /** When the task has failed, what its steps have created is taken back, by the last job of `finally`. Absent: it stays. */
  readonly undo?: "onFailure";
  /** An address that is told when the task has ended. Empty when rendered: none. Absent: none. */
  readonly callback?: Omit<Callback, "requested">;
  readonly outputs: { readonly [name: string]: Template };
  /** Facts to keep on the app after success, e.g. the newest image; merged into `app.facts`. */
  readonly remember: { readonly [name: string]: Template };
  /** What the task says of the build that it makes. Absent: it makes none. */
  readonly build?: { readonly [name: string]: Template };
  /**
   * Of a pipeline with the origin `app`: the platform team lets it make builds. Absent: its `build` and `remember` count for
   * nothing, whatever its file says. Set by the reader of the file, never by the file.
   */
  readonly mayBuild?: true;
};

export type Origin = "platform" | "app";

export type ParamsSchema = {
  readonly type: "object";
  readonly properties: { readonly [name: string]: ParamSchema };
  readonly required: readonly string[];
  readonly additionalProperties: false;
};

/** The part of JSON Schema that params may use. */
export type ParamSchema = {
  readonly type: "string" | "integer" | "number" | "boolean" | "array" | "object";
  readonly title?: string;
  readonly description?: string;
  readonly default?: Template;
  readonly enum?: readonly JsonValue[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: ParamSchema;
  /** Of a map: its members. With them and without `additionalProperties`, others are refused. */
  readonly properties?: { readonly [name: string]: ParamSchema };
  /** The members of a map that it must have. */
  readonly required?: readonly string[];
  /** Of a map: what members are that `properties` does not name. */
  readonly additionalProperties?: false | ParamSchema;
  /** Suggestions for the form. Never in a file: the task-agent adds what it knows. */
  readonly examples?: readonly JsonValue[];
  /** Sealed in tasks and never shown. See secret-params.ts. */
  readonly secret?: boolean;
  /** Hint for the form, e.g. `multiline`, `target`, `branch`. */
  readonly "x-ui"?: string;
};

/** Of the tasks with the same rendered group, only so many run at the same time. */
export type Concurrency = {
  readonly group: Template;
  /** The new task waits, the older ones are canceled, or the new task is refused. */
  readonly policy: "queue" | "cancel-older" | "reject";
  /** Absent: 1. */
  readonly limit?: number;
  /** A job. An older task in which it has started is not canceled; the new one waits. */
  readonly until?: string;
  /** Only older tasks with the same rendered text are canceled; none if it is empty. */
  readonly same?: Template;
};

/** Of the jobs with the same rendered group, only so many run at the same time, of whichever tasks they are. */
export type JobConcurrency = Pick<Concurrency, "policy" | "limit"> & {
  /** Absent: `per` says what the group is. */
  readonly group?: Template;
  /** The group is the target of the app that the job deploys to. */
  readonly per?: "target";
};

export type Job = {
  readonly id: string;
  readonly title: string;
  readonly needs: readonly string[];
  /** Empty in a job with `pipeline`: no runner takes it. */
  readonly site: Template;
  /** Templates of text; rendered by expand.ts. */
  readonly labels: readonly string[];
  /** One job per element; the expression must give a list. Keys come from `name` of the element, or its index. */
  readonly each: Template | undefined;
  /** One job per combination. */
  readonly matrix: { readonly [axis: string]: readonly JsonValue[] } | undefined;
  /** Values that are added to combinations, and combinations of their own. See core/matrix/matrix.ts. */
  readonly matrixInclude?: readonly JsonObject[];
  readonly matrixExclude?: readonly JsonObject[];
  /** Of the jobs of `each` or `matrix`, at most so many are ready or run at the same time. Absent: all. */
  readonly maxParallel?: number;
  /** A failure of the job does not count for what comes after it. A text is an expression; rendered by expand.ts. */
  readonly continueOnError?: true | string;
  /** When one of the jobs of `each` or `matrix` fails, the others are canceled; `waiting`: only those that have not begun. */
  readonly failFast?: true | "waiting";
  readonly when: Condition | undefined;
  readonly timeoutMs: number;
  readonly concurrency?: JobConcurrency;
  /** The job ends when no runner has taken it so long after it could start. Absent: it waits. */
  readonly expiresMs?: number;
  /** New attempts of the job. Attempts whose runner was lost do not count. */
  readonly retry: Retry;
  /**
   * `strict`: the job is stopped before its lease may be given away. `lenient`: the job continues while the runner is cut
   * off.
   */
  readonly mode: "strict" | "lenient";
  /** Whether the job may run again automatically after its runner was lost, even if it may have started. */
  readonly retrySafe: boolean;
  readonly env: { readonly [name: string]: Template };
  readonly outputs: { readonly [name: string]: Template };
  /** The types of outputs. Absent: each may be anything. */
  readonly outputTypes?: { readonly [name: string]: ParamSchema };
  /** The target that the job deploys the build of the task to. */
  readonly deploys?: Template;
  /**
   * What the environments of these demand of people and of the time holds the job: names of environments, or targets of the
   * app. Besides the target that it deploys to.
   */
  readonly environment?: Template;
  /** People must approve the job before it starts. */
  readonly approval?: Approval;
  /** What it downloads and saves. Its steps do it: withArtifactSteps of core/artifact has added them. */
  readonly download?: readonly DownloadSpec[];
  readonly artifacts?: readonly ArtifactSpec[];
  readonly cache?: readonly CacheSpec[];
  /** Empty in a job with `pipeline`. */
  readonly steps: readonly StepSpec[];
  /** The job runs this pipeline as a task of its own, for the app of its task or without an app. Absent: it has steps. */
  readonly pipeline?: string;
  /** That task takes back what the steps of this one have created. Never in a file: `undo` of the pipeline adds the job. */
  readonly undo?: true;
  /** What the job does in a rollout. Never in a file: rollout-pipeline.ts adds it. */
  readonly rollout?: RolloutJob;
  /** The params of that task. Absent: none. */
  readonly params?: { readonly [name: string]: Template };
  /** The job succeeds as soon as that task has started. Absent: the job ends with it, and has its outcome and outputs. */
  readonly wait?: false;
  /**
   * The kind of work that its runner must accept; derived from the steps. Absent in definitions that an older version
   * stored.
   */
  readonly work?: readonly Work[];
};

/**
 * `gate`: nothing but wait for its approval. `deploy`: CD for the targets of a batch. `rollback`: takes back what the task has deployed
 * to one target.
 */
export type RolloutJob =
  | { readonly does: "gate" | "rollback" }
  /** `offline`: what happens when the site of the targets has no runner. */
  | { readonly does: "deploy"; readonly offline: "wait" | "skip" | "stop" };

export type Approval = Approvers & {
  readonly question: Template;
  /** What the approver answers. Absent: nothing. */
  readonly inputs?: ParamsSchema;
};

export type StepSpec = {
  readonly id: string;
  readonly title: string;
  readonly when: Condition | undefined;
  /** Of one try. */
  readonly timeoutMs: number | undefined;
  /** Retries of the step within one attempt of its job. Absent: none. */
  readonly retry?: Retry;
  /** A failure of the step does not count for what comes after it. */
  readonly continueOnError?: true;
  /** The step may act on more than the app of the task. Only in definitions of the platform team. */
  readonly scope?: "site";
  /** The step is skipped where the site has no system for it. Absent: it ends as `errored`, `system-missing`. */
  readonly missingSystem?: "skip";
  readonly env: { readonly [name: string]: Template };
  readonly action: UsesAction | RunAction | UndoAction;
};

export type UsesAction = {
  readonly kind: "uses";
  readonly uses: string;
  readonly with: { readonly [name: string]: Template };
};

/** Undoes what `uses` did with this input and output. Never in a file: it is made from a failed task. Never templated. */
export type UndoAction = {
  readonly kind: "undo";
  readonly uses: string;
  readonly with: JsonObject;
  readonly output: JsonObject;
  /** The step did not come to its end, so its output is not known and the runner looks. Absent: `output` is what it gave. */
  readonly begun?: BegunEffect;
};

/** A change that a task began and whose step did not succeed. */
export type BegunEffect = {
  readonly task: string;
  /** When that task was requested, ms since 1970. */
  readonly requestedAtMs: number;
  /** Absent: it is not known whether the change was made. */
  readonly result?: JsonObject;
};

/** A script, run by `shell` (default `sh -eu`). It gets values as environment variables only; it is never templated. */
export type RunAction = {
  readonly kind: "run";
  readonly run: string;
  readonly shell: "sh" | "bash" | "node" | "python3";
  /** Folder below the workspace. */
  readonly workingDirectory: string | undefined;
};

/** The description of a step for the agent and `gantry lint`, which do not have its code. Made from connectors/steps.ts. */
export type StepDescription = {
  readonly name: string;
  readonly title: string;
  /** JSON Schema (draft 2020-12) of the input, in its form before defaults are applied. */
  readonly input: JsonObject;
  readonly output: JsonObject;
  readonly needs: readonly string[];
  readonly effects: readonly string[];
  /** Absent: no. */
  readonly runsCode?: true;
  /** Absent: no. */
  readonly looksOnly?: true;
  readonly timeoutMs: number;
  readonly undo: boolean;
};

/** Whether people or the calendar of an environment may hold the job. */
export function mayWait({ approval, environment, deploys }: Job): boolean {
  return approval !== undefined || environment !== undefined || deploys !== undefined;
}
