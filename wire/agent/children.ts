// Tasks that do the work of jobs of other tasks, in views.

import { z } from "zod";

export const jobChild = z.object({
  pipeline: z.string(),
  task: z.string().optional().describe("Absent until it has started"),
});

export const taskParent = z.object({ task: z.string(), job: z.string() });

export const childPipelines = z
  .array(z.string())
  .describe("The pipelines that its jobs run, and those that theirs run. Absent: none");
