// What the routes of `/agent/v1` (routes.ts) take and answer, besides the views.

import { callbackRequest } from "@gantry/core/callback/callback-shape.ts";
import { ACTIONS } from "@gantry/core/choice/actions.ts";
import { z } from "zod";
import { appView, feedEvent } from "./views.ts";

const jsonFields = z.record(z.string(), z.json());

export const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]*$/, "must have only lower case letters, digits and hyphens")
  .max(63);

/** Of the platform team, or of an app itself: `orders.ci`. */
export const pipelineName = z
  .string()
  .regex(/^[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)?$/, "must be the name of a pipeline")
  .max(127);

/** Run the pipeline once for each of these values. */
export const fanOut = z.strictObject({
  param: z.string().min(1).max(100).describe("The param that differs: each task gets one of the values"),
  values: z.array(z.json()).min(1).max(256).describe("In the order in which the tasks begin"),
  maxParallel: z.int().min(1).max(256).optional().describe("How many of the tasks run at the same time. Default: all"),
  stopOnFailure: z
    .boolean()
    .optional()
    .describe("After the first task that did not succeed, no other one begins. Those that run go on"),
});

export const startTask = z.object({
  pipeline: pipelineName,
  app: name.optional(),
  params: z.record(z.string(), z.json()).default({}),
  /** Scoped by principal; a repeated request gets the first answer again for 7 days. */
  idempotencyKey: z.string().min(1).max(200),
  principal: z.string().min(1).max(200),
  /** The policies of environments are not applied. The portal has checked that the principal may demand it. */
  override: z.strictObject({ reason: z.string().trim().min(1).max(500) }).optional(),
  /**
   * Start the pipeline only if it is the one of this button of the app; else the answer is `pipeline-chosen`, which names that one.
   * The app's own pipelines are read first, where it may have any.
   */
  button: z.enum(ACTIONS).optional(),
  fanOut: fanOut.optional(),
  callback: callbackRequest.optional(),
});
export type StartTask = z.infer<typeof startTask>;

export const createEnrolment = z.object({
  site: name,
  /** The only runner that may enrol with the token. It may have the name of a runner of another site that has no key. */
  runner: name.optional(),
  /** Without it, the site must be known: a misspelled one would wait for jobs for ever. */
  newSite: z.boolean().optional(),
  principal: z.string().min(1).max(200),
});
export const renewRunnerKey = z.object({ principal: z.string().min(1).max(200) });
/** Only this answer has the token. */
export const enrolmentView = z.object({
  site: z.string(),
  runner: z.string().optional(),
  token: z.string(),
  expiresAt: z.string(),
});
export type EnrolmentView = z.infer<typeof enrolmentView>;

export const cancelTask = z.object({ principal: z.string(), reason: z.string().max(500).optional() });
export const rerunTask = z.object({
  principal: z.string(),
  idempotencyKey: z.string().min(1).max(200),
  /**
   * `failed` keeps jobs that succeeded with their outputs; `all` runs everything again; `job` runs the job `job` and what needs
   * it again; `edited` runs everything again with `params`. An older agent refuses the last two.
   */
  from: z.enum(["failed", "all", "job", "edited"]).default("failed"),
  /** With `job`: key or id. */
  job: z.string().min(1).max(200).optional(),
  /** With `edited`: the parameters that differ; null takes one out. */
  params: jsonFields.optional(),
  /** `pinned`: the pipeline file that the task ran with; `newest`: the one in force now. */
  definition: z.enum(["pinned", "newest"]).default("pinned"),
});
/** The same, without starting it. */
export const planRerun = rerunTask.omit({ idempotencyKey: true });
export const removeApp = z.object({ principal: z.string() });
/** `keep`: what a failed creation made stays, and is no longer known. */
export const forgetApp = removeApp.extend({ keep: z.boolean().optional() });
/** `app`: its fields (core/app/app-shape.ts). `dryRun`: everything is checked, and nothing is written. */
export const adoptApp = z.object({
  principal: z.string().min(1).max(200),
  app: jsonFields,
  dryRun: z.boolean().default(false),
});
/** `patch`: a merge patch of the fields. `revision`: the one that its author has seen; without it the app is changed in any case. */
export const changeApp = z.object({
  principal: z.string().min(1).max(200),
  patch: jsonFields,
  revision: z.string().max(100).optional(),
  dryRun: z.boolean().default(false),
});
export const renameApp = z.object({ principal: z.string().min(1).max(200), to: name });
/** What a change of an app did, or would do. */
export const appOutcome = z.object({
  change: z.enum(["create", "change", "unchanged"]),
  app: appView,
  shared: z
    .array(
      z.object({
        target: z.string(),
        pointer: z.string().describe("A JSON pointer into the app"),
        words: z.string().describe("The file, within a sentence"),
        other: z.string().optional().describe("The other app, if the caller may see it"),
      }),
    )
    .optional()
    .describe(
      "Files that another app writes, too, although neither target says `shared: true`. Absent: there are none",
    ),
});
export type AppOutcome = z.infer<typeof appOutcome>;
/** The answer to a held job. */
export const resolveJob = z.object({
  principal: z.string(),
  job: z.string(),
  answer: z.enum(["run-again", "mark-done", "fail"]),
  reason: z.string().max(500).optional(),
});

/** An answer about a job that waits. The portal has checked that the person has the verb for it. */
export const answerApproval = z.object({
  principal: z.string().min(1).max(200),
  /** As the policy of rights names them. */
  groups: z.array(z.string().max(400)).max(2_000).default([]),
  /** Names of the roles that the person has on the app. */
  roles: z.array(z.string().max(100)).max(200).default([]),
  answer: z.enum(["approve", "reject", "override"]),
  plan: z.string().max(100).optional(),
  reason: z.string().trim().min(1).max(500).optional(),
  inputs: jsonFields.optional(),
});

export const runnerSite = z.object({ site: z.string() });

export const MAX_TAGS = 200;
/** In one list of tasks: the task-agent reads a page of each app. */
export const MAX_APPS = 20;
export const taskTags = z.object({ tags: z.record(z.string(), z.string()) });

export const feedPage = z.object({ events: z.array(feedEvent), last: z.int() });
export type FeedPage = z.infer<typeof feedPage>;

/**
 * Header of a feed request: the name of a reader that returns. The reader has all events up to `after`; later events stay
 * in the journal until it has read them, or has not asked for a week.
 */
export const READER_HEADER = "gantry-reader";

/** Headers of a log answer: the size of the log so far, and whether it is complete. */
export const LOG_SIZE_HEADER = "gantry-log-size";
export const LOG_FINAL_HEADER = "gantry-log-final";
