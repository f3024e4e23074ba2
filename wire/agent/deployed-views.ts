// Parts of the views of apps, builds and tasks that say what was deployed, and taken back. Part of views.ts.

import { z } from "zod";

export const time = z.iso.datetime().describe("RFC 3339, UTC");

/** At one target. `commit`: of the yaml repository. */
export const lastDeployment = z.object({
  build: z.int().optional(),
  commit: z.string().optional().describe("Of the yaml repository"),
  task: z.string(),
  by: z.string(),
  at: time,
  outcome: z.string(),
});

const takenBack = lastDeployment.pick({ build: true, commit: true, task: true });
export const taskRollback = z.object({
  from: z.record(z.string(), takenBack).describe("Target → what it takes back there"),
  reason: z.string().optional(),
});

export const buildHold = z.object({
  by: z.string(),
  at: time,
  reason: z.string(),
  task: z.string().optional().describe("The rollback that took it back. Absent: a person holds it"),
});

/** What a task builds or deploys, as far as it is known. */
export const taskAbout = z.object({
  build: z.int().optional().describe("The number of the build that it made or deploys"),
  commit: z.string().optional().describe("Of the source"),
  branch: z.string().optional(),
  subject: z.string().optional().describe("First line of the commit message, or the title of the pull request"),
  author: z.string().optional(),
  targets: z.array(z.string()).optional().describe("Where it deploys"),
});
export type TaskAbout = z.infer<typeof taskAbout>;
