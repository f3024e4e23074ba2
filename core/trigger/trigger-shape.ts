// The form of an entry of `triggers:`, before normalising. rules-triggers.ts checks what a form cannot express.

import { z } from "zod";
import { DURATION } from "../pipeline/duration.ts";
import { OUTCOMES } from "../task/states.ts";
import { CATCH_UPS, IMAGE_ACTIONS, OVERLAPS, PULL_REQUEST_ACTIONS } from "./trigger.ts";

const MAX_TRIGGERS = 20;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})$/;

const patterns = z.array(z.string().min(1).max(250)).min(1).max(50);
const branches = patterns.optional().describe("Names with *; ! excludes. Default: the branch of release of the app");
const time = z
  .string('a time with its offset, such as "2027-01-01T18:00:00+01:00"')
  .regex(TIME, 'a time with its offset, such as "2027-01-01T18:00:00+01:00"')
  .describe("A time with its offset, such as 2027-01-01T18:00:00+01:00");

export const pushShape = z.strictObject({
  branches,
  paths: patterns.optional().describe("Only if one of these paths has changed. * and **; ! excludes"),
});
export const tagShape = z.strictObject({
  names: patterns.optional().describe("Names with *; ! excludes. Default: all"),
});
export const pullRequestShape = z.strictObject({
  branches: branches.describe("The branch that it is to be merged into. Default: the branch of release of the app"),
  actions: z
    .array(z.enum(PULL_REQUEST_ACTIONS))
    .min(1)
    .optional()
    .describe("What happened to it. Default: opened and updated"),
  fromForks: z
    .literal("after-approval", "after-approval; leave it out, and pull requests from forks start nothing")
    .optional()
    .describe("What one from a fork starts: a task without secrets that waits for a person. Default: nothing"),
});
export const imageShape = z.strictObject({
  tags: patterns.optional().describe("Of the image, with *; ! excludes. Default: all"),
  actions: z.array(z.enum(IMAGE_ACTIONS)).min(1).optional().describe("What happened to the image. Default: pushed"),
});
export const scheduleShape = z.strictObject({
  cron: z
    .string("a cron expression of five fields")
    .min(1)
    .max(200)
    .optional()
    .describe("Five fields: minute, hour, day of the month, month, day of the week"),
  once: time.optional().describe("One time, with its offset, such as 2027-01-01T18:00:00+01:00"),
  timeZone: z
    .string()
    .min(1)
    .max(60)
    .optional()
    .describe("Of the cron expression, such as Europe/Berlin. Default: UTC"),
  until: time.optional().describe("No start at or after this time"),
  overlap: z.enum(OVERLAPS).optional().describe("When the last task of the schedule still runs. Default: skip"),
  catchUp: z
    .enum(CATCH_UPS)
    .optional()
    .describe("After an outage: which missed times are made up for. Default: latest"),
  jitter: z
    .string('a duration such as "30s" or "5m"')
    .regex(DURATION, 'a duration such as "30s" or "5m"')
    .optional()
    .describe("Each start is delayed by a part of this, always the same for the same pipeline, app and time"),
});
export const upstreamShape = z.strictObject({
  pipeline: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,62}$/, "a name has lower case letters, digits and hyphens")
    .describe("After a task of this pipeline for the same app has ended"),
  outcomes: z
    .array(z.enum(OUTCOMES).exclude(["skipped"]))
    .min(1)
    .optional()
    .describe("Default: succeeded"),
});

export const triggerShape = z.strictObject({
  title: z.string().min(1).max(500).optional(),
  when: z.string("an expression").max(4_096).optional().describe("An expression over trigger and app"),
  params: z
    .record(z.string().max(100), z.json())
    .optional()
    .describe("Values of the params of the pipeline; may contain ${{ expression }} over trigger and app"),
  push: pushShape.optional(),
  tag: tagShape.optional(),
  pull_request: pullRequestShape.optional(),
  image: imageShape.optional(),
  schedule: scheduleShape.optional(),
  upstream: upstreamShape.optional(),
});
export type TriggerFile = z.infer<typeof triggerShape>;

export const triggersShape = z.array(triggerShape, "a list of triggers").min(1).max(MAX_TRIGGERS);
