// Which pipelines the buttons of an app start, which have buttons of their own, and what the app has brought itself.

import { z } from "zod";
import { refusedSet } from "./definitions.ts";

const choice = z.union([z.object({ name: z.string() }), z.object({ problem: z.string() })]);

export const appPipelinesView = z
  .object({
    ci: choice.describe("What Run CI starts, or why that is not clear"),
    cd: choice.describe("What Run CD starts, or why that is not clear"),
    others: z
      .array(z.object({ name: z.string(), title: z.string(), button: z.string() }))
      .optional()
      .describe("Pipelines with buttons of their own. Absent: the task-agent is of an older version"),
    own: z
      .object({
        branch: z.string(),
        commit: z.string(),
        at: z.iso.datetime(),
        task: z.string().describe("The task that read them"),
        pipelines: z.array(z.object({ name: z.string(), file: z.string(), version: z.string() })),
        problems: refusedSet.shape.problems.optional().describe("Mistakes in the files: no own pipeline is in force"),
      })
      .optional()
      .describe("The files of `.gantry` as read last. Absent: the app may have none, or they were never read"),
  })
  .meta({ id: "AppPipelines" });
export type AppPipelinesView = z.infer<typeof appPipelinesView>;
