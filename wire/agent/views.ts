// The objects of the HTTP API, and the source of the OpenAPI document. They are views: the task-agent computes them from its
// state, and no decision is based on them.

import { ACTIONS } from "@gantry/core/choice/actions.ts";
import { LIVE_STATES } from "@gantry/core/fleet/live-states.ts";
import { PRIORITIES } from "@gantry/core/task/priority.ts";
import { OUTCOMES, STATES } from "@gantry/core/task/states.ts";
import { TRIGGER_KINDS } from "@gantry/core/trigger/trigger.ts";
import { z } from "zod";
import { annotationSchema, failureSchema } from "../runner/protocol.ts";
import { jobApproval } from "./approvals.ts";
import { childPipelines, jobChild, taskParent } from "./children.ts";
import { buildHold, lastDeployment, taskAbout, taskRollback, time } from "./deployed-views.ts";

const json = z.json();
const jsonObject = z.record(z.string(), json);
export const state = z
  .enum(STATES)
  .describe("`failed` is your work failing, `errored` is the platform's; `held` needs a person");
const failure = failureSchema.describe("What happened, why, and what to do");

export const waitingView = z
  .object({
    code: z.string().describe("e.g. no-runner, all-busy, site-offline, needs, retry, concurrency, step"),
    text: z.string().describe("The reason as a sentence"),
    since: time,
    until: time.optional().describe("When it ends by itself: the request expires, or the calendar opens"),
  })
  .meta({ id: "Waiting" });

export const annotationView = annotationSchema
  .extend({
    message: annotationSchema.shape.message.describe("Text, which may have several lines; not Markdown"),
    file: annotationSchema.shape.file.describe("Relative to the workspace of the job, where it is a file there"),
    line: annotationSchema.shape.line.describe("From 1, as are columns"),
  })
  .meta({ id: "Annotation" });
export type AnnotationView = z.infer<typeof annotationView>;

export const stepView = z
  .object({
    id: z.string(),
    title: z.string(),
    uses: z.string().optional().describe("Name of the step; absent for a script"),
    state,
    startedAt: time.optional(),
    endedAt: time.optional(),
    durationMs: z.number().optional(),
    waiting: waitingView.optional(),
    told: z
      .object({ done: z.int(), total: z.int(), text: z.string().optional(), at: time })
      .optional()
      .describe("How far it is, as its script said last: `::progress::3/10 uploading`"),
    tries: z.int().describe("Number of tries in the current attempt of the job"),
    failure: failure.optional(),
    outputs: jsonObject,
    reason: z.string().optional().describe("Why it was skipped"),
    tolerated: z.literal(true).optional().describe("It failed, and its `continueOnError` let the job go on"),
    annotations: z
      .array(annotationView)
      .optional()
      .describe("What its script said about its files: at most 10 of each level, and 50 in the job. Absent: nothing"),
    annotationsLeftOut: z.int().optional().describe("How many more it said: they are only in the log"),
    summaryBytes: z.int().optional().describe("Size of the summary that its script wrote. Absent: it wrote none"),
  })
  .meta({ id: "Step" });
export type StepView = z.infer<typeof stepView>;

export const attemptView = z
  .object({
    attempt: z.int(),
    runner: z.string().optional(),
    startedAt: time.optional(),
    endedAt: time.optional(),
    outcome: z.string().optional(),
    failure: failure.optional(),
    late: z
      .object({ at: time, outcome: z.string(), outputs: jsonObject, failure: failure.optional() })
      .optional()
      .describe("The report of its runner after the attempt had been given up; for information only"),
  })
  .meta({ id: "Attempt" });

export const effectView = z
  .object({
    key: z.string(),
    step: z.string(),
    effect: z.string(),
    what: z.string(),
    state: z.enum(["begun", "done"]),
    attempt: z.int(),
    result: jsonObject.optional(),
  })
  .meta({ id: "Effect" });

export const jobView = z
  .object({
    key: z.string().describe("Unique in the task: `deploy[seoul]`"),
    id: z.string(),
    title: z.string(),
    site: z.string(),
    labels: z.array(z.string()),
    needs: z.array(z.string()).describe("Keys of the jobs it waits for"),
    final: z.boolean().describe("A `finally` job"),
    state,
    waiting: waitingView.optional(),
    continueOnError: z.literal(true).optional().describe("When it fails, the task goes on as if it had succeeded"),
    canceledBecause: z
      .string()
      .optional()
      .describe("It is canceled because of another job: `test[b] ended as failed …`"),
    approval: jobApproval.optional(),
    overridden: z
      .object({ by: z.string(), at: time, reason: z.string() })
      .optional()
      .describe("Why the policy of its environments does not hold it"),
    child: jobChild.optional().describe("The task that does the work of the job, which has no steps"),
    attempt: z.int(),
    attempts: z.array(attemptView),
    runner: z.string().optional(),
    notHeardSince: time.optional().describe("Set while the runner is silent: the state is the last known one"),
    startedAt: time.optional(),
    endedAt: time.optional(),
    durationMs: z.number().optional(),
    failure: failure.optional(),
    outputs: jsonObject,
    steps: z.array(stepView),
    effects: z.array(effectView),
  })
  .meta({ id: "Job" });
export type JobView = z.infer<typeof jobView>;

export const taskSummary = z
  .object({
    id: z.string(),
    pipeline: z.string(),
    title: z.string().describe("Sentence for lists: `Run CD: orders`"),
    app: z.string().optional(),
    state,
    headline: z.string().describe("One sentence: what, where, how it ended or what it waits for"),
    requestedBy: z.string(),
    trigger: z
      .object({
        kind: z.enum(TRIGGER_KINDS),
        text: z.string().describe('To follow "by": push of 1a2b3c4 to main'),
        task: z.string().optional().describe("Whose end it was"),
        commit: z.string().optional(),
        author: z.string().optional(),
        subject: z.string().optional().describe("Of the commit, or the title of the pull request"),
        url: z.string().optional().describe("At the git host"),
      })
      .optional()
      .describe("What started it; absent for a task that a person started"),
    parent: taskParent.optional().describe("The job of another task that started it. Absent: none did"),
    about: taskAbout.optional().describe("Absent: it is about no commit, or from a task-agent of an older version"),
    requestedAt: time,
    startedAt: time.optional(),
    endedAt: time.optional(),
    durationMs: z.number().optional(),
    stepsDone: z.int().describe("Steps that are over: succeeded or skipped"),
    stepsSucceeded: z.int().optional().describe("Absent from a task-agent of an older version"),
    stepsSkipped: z.int().optional().describe("Absent from a task-agent of an older version"),
    stepsTotal: z.int(),
    sites: z.array(z.string()),
    failedAt: z.object({ job: z.string(), step: z.string().optional() }).optional(),
  })
  .meta({ id: "TaskSummary" });
export type TaskSummary = z.infer<typeof taskSummary>;

export const taskView = taskSummary
  .extend({
    version: z.int().describe("Grows with every change; part of the ETag"),
    archived: z.boolean().optional().describe("The task is in the archive: it can be read, but not changed"),
    params: jsonObject,
    action: z.enum(ACTIONS).optional().describe("The button of the app that its pipeline is for"),
    definition: z.object({ name: z.string(), version: z.string().describe("Digest or commit of the pipeline file") }),
    children: childPipelines.optional(),
    rerunOf: z.string().optional(),
    reruns: z.array(z.string()).optional().describe("The tasks that rerun it, oldest first. Absent: none"),
    override: z.string().optional().describe("Why the policies of environments were not applied"),
    rollback: taskRollback.optional().describe("Absent: it is no rollback"),
    priority: z.enum(PRIORITIES).optional().describe("Whose jobs runners take first. Absent: normal"),
    callbacks: z
      .array(z.object({ url: z.string(), on: z.array(z.enum(OUTCOMES)).optional() }))
      .optional()
      .describe("Addresses that are told when it has ended, and of which outcomes. Absent: none"),
    cancel: z.object({ by: z.string(), at: time, reason: z.string().optional() }).optional(),
    waiting: waitingView.optional(),
    failure: failure.optional(),
    outputs: jsonObject,
    jobs: z.array(jobView),
    warnings: z
      .array(z.string())
      .optional()
      .describe("What its sites lack, as sentences. Only in the answer to the request that starts it"),
    may: z.array(z.string()).optional().describe("Verbs that the caller may use on it. Only from the portal"),
    mayNot: z
      .record(z.string(), z.string())
      .optional()
      .describe("The other verbs: what they need, and who could. Only from the portal"),
  })
  .meta({ id: "Task" });
export type TaskView = z.infer<typeof taskView>;

/** Changes with the view of a task: a silent runner and a rerun change the view without a new version. */
export function taskTag({ version, jobs, reruns = [] }: Pick<TaskView, "version" | "jobs" | "reruns">): string {
  return tagOf(version, jobs.filter((job) => job.notHeardSince !== undefined).length, reruns.length);
}

/** `silent`: number of jobs whose runner is silent. `reruns`: number of tasks that rerun it. */
export function tagOf(version: number, silent: number, reruns: number): string {
  return `${version}.${silent}${reruns === 0 ? "" : `.${reruns}`}`;
}

export const appView = z
  .object({
    name: z.string(),
    state: z.enum(["creating", "ready", "failed", "undoing"]),
    createdBy: z.string(),
    createdAt: time,
    task: z.string().describe("The task that created it, or is creating it; empty for an app that was adopted"),
    record: jsonObject.describe("source, images, yaml, targets … as create-app's outputs gave them, or as adopted"),
    revision: z.string().optional().describe("Changes with the record. Absent from a task-agent of an older version"),
    facts: jsonObject.describe("Facts stored by later tasks, e.g. the newest image"),
    latest: z.record(z.string(), z.string()).describe("Pipeline → id of its newest task for this app"),
    deployed: z
      .record(z.string(), lastDeployment)
      .optional()
      .describe("Target → its last deployment. Absent from a task-agent of an older version"),
    undeclared: z
      .array(z.string())
      .optional()
      .describe(
        "Environments of its targets that `environments.yaml` does not declare: they take every build of the release branch. Absent: none, or from a task-agent of an older version",
      ),
    live: z
      .object({
        state: z.enum(LIVE_STATES).describe("That of its worst target"),
        counts: z.partialRecord(z.enum(LIVE_STATES), z.int()).describe("State → number of targets"),
      })
      .optional()
      .describe("How it is now. Absent without targets, and from a task-agent of an older version"),
    may: z.array(z.string()).optional().describe("Verbs that the caller may use on it. Only from the portal"),
    mayNot: z
      .record(z.string(), z.string())
      .optional()
      .describe("The other verbs: what they need, and who could. Only from the portal"),
  })
  .meta({ id: "App" });
export type AppView = z.infer<typeof appView>;

export const buildView = z
  .object({
    number: z.int().describe("0 for an image that an older version recorded"),
    app: z.string().describe("The name that the app has now"),
    commit: z.string(),
    branch: z.string(),
    subject: z.string().optional().describe("First line of the commit message"),
    author: z.string().optional(),
    url: z.string().optional().describe("The commit, for people"),
    images: z.array(z.object({ name: z.string(), repository: z.string(), image: z.string(), digest: z.string() })),
    scan: z.object({ severity: z.string(), report: z.string().optional() }).optional(),
    gate: z.object({ status: z.string(), report: z.string().optional() }).optional(),
    tests: z
      .object({
        passed: z.int(),
        failed: z.int(),
        skipped: z.int().optional(),
        coverage: z.number().optional(),
      })
      .optional(),
    task: z.string().describe("The CI task that made it"),
    by: z.string(),
    at: time,
    runsIn: z.array(z.string()).describe("Targets where it was deployed last"),
    isRelease: z.boolean().describe("Built from the release branch of the app"),
    held: buildHold
      .optional()
      .describe("CD does not choose it by itself until somebody lets it go. Absent: it is not held"),
    unmet: z
      .record(z.string(), z.array(z.string()))
      .describe("Target → what the build lacks for it. A target that is not named may get the build"),
  })
  .meta({ id: "Build" });
export type BuildView = z.infer<typeof buildView>;

export const pipelineView = z
  .object({
    name: z.string(),
    title: z.string(),
    summary: z.string(),
    button: z.string(),
    app: z.enum(["existing", "new", "none"]),
    action: z.enum(ACTIONS).optional().describe("The button of an app that it is for"),
    origin: z.enum(["platform", "app"]).optional().describe("app: from the repository of the app"),
    version: z.string(),
    children: childPipelines.optional(),
    turns: z
      .array(z.string())
      .optional()
      .describe("Concurrency, priority, expiry and undo, as sentences. Absent: nothing unusual"),
    params: jsonObject.describe("JSON Schema of the parameters; forms are made from it"),
    jobs: z.array(
      z.object({
        id: z.string(),
        title: z.string(),
        needs: z.array(z.string()),
        site: json,
        pipeline: z.string().optional().describe("The pipeline that the job runs, in place of steps at a site"),
        params: jsonObject.optional().describe("What it gives to that pipeline. May contain ${{ expression }}"),
        asks: z.string().optional().describe("What people must approve before it starts"),
        steps: z.array(z.object({ id: z.string(), title: z.string(), uses: z.string().optional() })),
      }),
    ),
  })
  .meta({ id: "Pipeline" });
export type PipelineView = z.infer<typeof pipelineView>;

/** A step that pipelines may use: core's StepDescription on the wire. */
export const stepDescription = z
  .object({
    name: z.string(),
    title: z.string(),
    input: jsonObject.describe("JSON Schema of `with:`"),
    output: jsonObject.describe("JSON Schema of its outputs"),
    needs: z.array(z.string()),
    effects: z.array(z.string()),
    timeoutMs: z.number(),
    undo: z.boolean(),
  })
  .meta({ id: "StepDescription" });

/** A CloudEvent 1.0 in structured form; `seq` orders all events, `taskseq` those of one task (1, 2, 3 … without gap). */
export const feedEvent = z
  .object({
    specversion: z.literal("1.0"),
    id: z.string().describe("`<task>/<taskseq>`: the same in every delivery"),
    source: z.string(),
    type: z.string().describe("dev.gantry.task.requested.v1, dev.gantry.job.started.v1, dev.gantry.step.ended.v1 …"),
    subject: z.string().describe("Task id"),
    time,
    datacontenttype: z.literal("application/json"),
    seq: z.int(),
    taskseq: z.int(),
    data: z.object({
      task: z.string(),
      pipeline: z.string(),
      title: z.string(),
      app: z.string().optional(),
      requestedBy: z.string(),
      url: z.string().describe("Address of the task in the portal"),
      event: jsonObject.describe("The fact itself, with its `kind`"),
    }),
  })
  .meta({ id: "Event" });
export type FeedEvent = z.infer<typeof feedEvent>;

export function page<T extends z.core.$ZodType>(
  item: T,
): z.ZodObject<{ items: z.ZodArray<T>; nextCursor: z.ZodOptional<z.ZodString> }> {
  return z.object({ items: z.array(item), nextCursor: z.string().optional() });
}
