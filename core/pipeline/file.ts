// The schema of a pipeline file, before normalising. The JSON Schema for editors and the parser's first check are made from
// it. What a schema cannot express (names that must exist, cycles, types of inputs) is in rules.ts.

import { z } from "zod";
import { approversShape } from "../access/approval.ts";
import { artifactsShape, downloadsShape } from "../artifact/artifact-shape.ts";
import { cachesShape } from "../artifact/cache-shape.ts";
import { BUILD_KEYS } from "../build/build.ts";
import { callbackShape } from "../callback/callback-shape.ts";
import { ACTIONS } from "../choice/actions.ts";
import { triggersShape } from "../trigger/trigger-shape.ts";
import { durationShape as duration } from "./duration.ts";
import { RETRY_ON } from "./retry.ts";
import { paramTypes, typeKeywords, typeShape } from "./types/type-shape.ts";

/**
 * Names of properties that every JavaScript object inherits are refused as ids, so that a lookup in an object never finds
 * one of them.
 */
const RESERVED =
  /^(?!(?:constructor|prototype|toString|valueOf|hasOwnProperty|isPrototypeOf|propertyIsEnumerable|toLocaleString)$)/;
const PIPELINE_NAME = /^[a-z][a-z0-9-]{0,62}$/;
const id = new RegExp(`${RESERVED.source}[A-Za-z][A-Za-z0-9_-]{0,62}$`);
const variable = new RegExp(`${RESERVED.source}[A-Za-z_][A-Za-z0-9_]{0,62}$`);

export const idText = z
  .string()
  .regex(
    id,
    "an id starts with a letter, has at most 63 letters, digits, `-` and `_`, and is not a reserved word such as constructor",
  )
  .describe("A letter, then letters, digits, - and _");
const template = z.json().describe("Any value; its texts may contain ${{ expression }}");
const sentence = z.string().min(1).max(500);
const templates = (key: RegExp, hint: string) => z.record(z.string().regex(key, hint), template);
const outputNames = templates(variable, "a name starts with a letter and has letters, digits and `_`");
const envNames = templates(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, "a variable has letters, digits and `_`");

/** Which apps: names, teams, labels, as in a selector of rights. */
export const appPatterns = z
  .array(
    z
      .string()
      .max(200)
      .regex(
        /^(?:team:[\w*-]+|label:[\w./-]+=[\w.*/-]+|[a-z0-9*-]+)$/,
        "the name of an app, which may have `*`, or `team:NAME`, or `label:NAME=VALUE`",
      ),
  )
  .min(1)
  .max(200);

export const paramShape = z.strictObject({
  type: paramTypes,
  title: sentence.optional(),
  description: sentence.optional(),
  required: z.boolean().optional().describe("Must be given, unless there is a default"),
  default: template.optional(),
  ...typeKeywords,
  secret: z
    .boolean()
    .optional()
    .describe("For type string: stored sealed, never shown, and only named in `with` and `env` of a step"),
  ui: z.string().max(50).optional().describe("Hint for the form, e.g. multiline, target, branch"),
});

export const concurrencyShape = z.strictObject({
  group: z.string().min(1).max(500),
  policy: z.enum(["queue", "cancel-older", "reject"]).optional(),
  limit: z.int().min(1).max(1_000).optional().describe("How many may run at the same time. Default: 1"),
  until: idText.optional().describe("For cancel-older: an older task is not canceled once this job has started"),
  same: z
    .string()
    .min(1)
    .max(2_000)
    .optional()
    .describe("For cancel-older: only older tasks with the same text are canceled, and none if it is empty"),
});

export const jobConcurrencyShape = z.strictObject({
  group: z.string().min(1).max(500).optional().describe("Jobs with the same text are a group, of whichever tasks"),
  per: z.literal("target", "the word `target`").optional().describe("The group is the target that the job deploys to"),
  policy: concurrencyShape.shape.policy,
  limit: concurrencyShape.shape.limit,
});

export const retryShape = z.strictObject({
  max: z.int().min(0).max(20).describe("How many more attempts"),
  delay: duration.optional(),
  on: z.array(z.enum(RETRY_ON)).min(1).optional().describe("Outcomes after which to try again. Default: all three"),
  exitCodes: z
    .array(z.int().min(1).max(255))
    .min(1)
    .max(50)
    .optional()
    .describe("A script that failed is only tried again after one of these exit codes"),
  errors: z
    .array(z.string().min(1).max(100))
    .min(1)
    .max(50)
    .optional()
    .describe("After `errored`, it is only tried again for one of these error codes"),
  backoff: z.enum(["fixed", "exponential"]).optional().describe("exponential doubles the delay with every attempt"),
  maxDelay: duration.optional().describe("Longest delay with exponential backoff"),
});
const retry = z.union([z.int().min(0).max(20), retryShape], "a number up to 20, or a map with `max`").optional();

export const stepShape = z.strictObject({
  id: idText.optional(),
  title: sentence.optional(),
  uses: z.string().min(1).max(100).optional().describe("Name of a step: provider/verb-noun"),
  with: z.record(z.string().max(100), template).optional().describe("The inputs of the step"),
  run: z.string().min(1).max(65_536).optional().describe("A script; it gets values only through `env`"),
  shell: z.enum(["sh", "bash", "node", "python3"]).optional(),
  workingDirectory: z.string().max(500).optional().describe("Folder below the workspace"),
  scope: z
    .literal("site", "the word `site`, or nothing")
    .optional()
    .describe("With `uses`: the step may act on more than the app of the task"),
  missingSystem: z
    .literal("skip", "the word `skip`, or nothing")
    .optional()
    .describe("With `uses`: skip the step where the site has no system for it. Without it, the step fails there"),
  env: envNames.optional(),
  when: z.string("an expression, or `always`").max(4_096).optional().describe("An expression, or always"),
  timeout: duration.optional(),
  retry: retry.describe("New tries of the step, in the same workspace"),
  continueOnError: z.boolean().optional().describe("When the step fails, the job goes on as if it had succeeded"),
});

const axis = z.string().regex(variable, "an axis has letters, digits and `_`");
const combinations = z.array(z.record(axis, z.json())).min(1).max(256).optional();
export const matrixShape = z
  .object({
    include: combinations.describe(
      "Values that are added to the combinations that they fit, or combinations of their own",
    ),
    exclude: combinations.describe("Combinations that have all of these values are left out"),
  })
  .catchall(z.array(z.json()).min(1))
  .superRefine((matrix, context) => {
    const names = Object.keys(matrix).filter((name) => name !== "exclude");
    if (names.length === 0) context.addIssue({ code: "custom", message: "must have at least one axis" });
    for (const name of names)
      if (!variable.test(name))
        context.addIssue({ code: "custom", path: [name], message: "is not an axis: it has letters, digits and `_`" });
  })
  .describe("One job per combination of the values of its axes");
export const approvalShape = z.strictObject({
  question: sentence.describe("What is asked. It may contain ${{ expression }}"),
  ...approversShape.shape,
  inputs: z
    .record(
      z.string().regex(variable, "an input has letters, digits and `_`"),
      z.union([paramTypes, paramShape], "a type, or a map with `type`"),
    )
    .optional()
    .describe("What the approver answers, as approval.inputs.NAME"),
});

export const jobShape = z.strictObject({
  title: sentence.optional(),
  needs: z
    .union([z.string(), z.array(z.string()).max(200)], "the id of a job, or a list of ids")
    .optional()
    .describe("Jobs that must have ended first"),
  site: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .describe("Name of the site whose runners take the job. Required, but not with `pipeline`"),
  labels: z
    .union([z.string(), z.array(z.string().max(100)).max(20)], "a label, or a list of labels")
    .optional()
    .describe("Labels that the runner must have; an expression may give a list"),
  each: z
    .union([z.string(), z.array(z.json()).min(1).max(256)], "a list, or an expression that gives one")
    .optional()
    .describe("One job per element"),
  matrix: matrixShape.optional(),
  maxParallel: z
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe("With `each` or `matrix`: how many of its jobs run at the same time"),
  failFast: z
    .union([z.boolean(), z.literal("waiting")], "true, false or `waiting`")
    .optional()
    .describe(
      "With `each` or `matrix`: when one of its jobs fails, the others are canceled; `waiting`: only those that have not begun",
    ),
  when: z.string("an expression, or `always`").max(4_096).optional().describe("An expression, or always"),
  timeout: duration.optional(),
  concurrency: z
    .union([z.string().min(1).max(500), jobConcurrencyShape], "a group, or a map with `group` or `per`, and `policy`")
    .optional()
    .describe("Jobs of the same group do not run at the same time, of whichever tasks they are"),
  expires: duration.optional().describe("The job ends when no runner has taken it within this time"),
  retry: retry.describe("New attempts of the job"),
  continueOnError: z
    .union([z.boolean(), z.string().min(1).max(500)], "true, false, or an expression that gives one of them")
    .optional()
    .describe("When the job fails, the task goes on as if it had succeeded"),
  mode: z.enum(["strict", "lenient"]).optional(),
  retrySafe: z.boolean().optional().describe("May run again automatically after its runner was lost"),
  env: envNames.optional(),
  outputs: outputNames.optional(),
  outputTypes: z
    .record(z.string().regex(variable, "an output has letters, digits and `_`"), typeShape)
    .optional()
    .describe("The types of outputs: the job fails when one does not fit"),
  deploys: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .describe("Name of the target of the app that the job deploys the build to"),
  environment: z
    .union(
      [z.string().min(1).max(2_000), z.array(z.string().min(1).max(500)).min(1).max(50)],
      "a name, or a list of names",
    )
    .optional()
    .describe(
      "The environments whose policy holds the job: names, or an expression that gives names or targets of the app",
    ),
  approval: z
    .union([sentence, approvalShape], "a question, or a map with `question`")
    .optional()
    .describe("The job waits until people have approved it"),
  download: downloadsShape
    .optional()
    .describe("Artifacts of needed jobs that the job gets before its steps, after its last git/checkout"),
  cache: cachesShape
    .optional()
    .describe("Folders that later jobs of the same app and branch find again on the same runner: name → paths"),
  artifacts: artifactsShape.optional().describe("Files that the job saves after its steps: name → paths"),
  pipeline: z
    .string()
    .regex(PIPELINE_NAME, "the name of a pipeline has lower case letters, digits and hyphens")
    .optional()
    .describe("In place of `site` and `steps`: the job runs this pipeline as a task of its own"),
  params: z
    .record(z.string().regex(variable, "a parameter has letters, digits and `_`"), template)
    .optional()
    .describe("With `pipeline`: the params of its task"),
  wait: z.boolean().optional().describe("With `pipeline`: false, and the job succeeds as soon as its task has started"),
  steps: z.array(stepShape).min(1).max(200).optional().describe("Required, but not with `pipeline`"),
});

/** A job has a site and steps, or the pipeline that it runs. */
export const completeJobShape = jobShape
  .refine(({ pipeline, site }) => pipeline !== undefined || site !== undefined, isMissing("site"))
  .refine(({ pipeline, steps }) => pipeline !== undefined || steps !== undefined, isMissing("steps"));

/** Said together with the other mistakes of the job. */
function isMissing(key: string) {
  const when = ({ value }: { readonly value: unknown }): boolean => typeof value === "object" && value !== null;
  return { path: [key], message: "is missing", when };
}

const jobs = z
  .record(idText, completeJobShape)
  .refine((all) => Object.keys(all).length > 0, "must have at least one job");

export const pipelineShape = z.strictObject({
  name: z
    .string()
    .regex(PIPELINE_NAME, "a name has lower case letters, digits and hyphens")
    .describe("Unique among the pipelines"),
  title: sentence.optional(),
  summary: sentence.optional(),
  button: z.string().min(1).max(40).optional().describe("Text of the button: a verb and its object"),
  app: z.enum(["existing", "new", "none"]).optional(),
  action: z.enum(ACTIONS).optional().describe("The button of an app that the pipeline is for: ci or cd"),
  apps: appPatterns
    .optional()
    .describe("With `action` or `triggers`: the apps that it is for. Names with *, team:NAME, label:NAME=VALUE"),
  triggers: triggersShape.optional().describe("What starts the pipeline by itself"),
  params: z
    .record(
      z.string().regex(variable, "a parameter has letters, digits and `_`"),
      z.union([paramTypes, paramShape], "a type, or a map with `type`"),
    )
    .optional(),
  concurrency: z.union([z.string().min(1), concurrencyShape], "a group, or a map with `group` and `policy`").optional(),
  priority: z
    .string("low, normal or high, or an expression that gives one of them")
    .min(1)
    .max(2_000)
    .optional()
    .describe("low, normal or high, or an expression that gives one of them: whose jobs runners take first"),
  expires: duration.optional().describe("The task ends when no runner has taken a job of it within this time"),
  jobs,
  finally: jobs.optional(),
  undo: z
    .literal("onFailure", "the word `onFailure`, or nothing")
    .optional()
    .describe("When the task has failed, what its steps have created is deleted again, newest first"),
  callback: z
    .union([callbackShape.shape.url, callbackShape], "an address, or a map with `url`")
    .optional()
    .describe("An address that is told when the task has ended, with a signature"),
  outputs: outputNames.optional(),
  remember: outputNames.optional().describe("Facts to keep on the app"),
  build: z
    .partialRecord(z.enum(BUILD_KEYS), template)
    .optional()
    .describe("The build that the task makes when it succeeds; CD deploys builds"),
});

export type PipelineFile = z.infer<typeof pipelineShape>;
export type JobFile = z.infer<typeof jobShape>;
export type StepFile = z.infer<typeof stepShape>;
export type ParamFile = z.infer<typeof paramShape>;
