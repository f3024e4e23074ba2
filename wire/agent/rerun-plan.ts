// What would run again, and what would be reused.

import { z } from "zod";

export const rerunPlanView = z
  .object({
    task: z.string().describe("The task that would run again"),
    definition: z.object({ name: z.string(), version: z.string() }),
    isSameDefinition: z.boolean().describe("The definition that the task ran with"),
    params: z.record(z.string(), z.json()),
    jobs: z.array(
      z.object({
        key: z.string(),
        id: z.string(),
        title: z.string(),
        does: z.enum(["run", "reuse", "skip"]),
        because: z.string().describe("A clause: `it ended as failed`"),
      }),
    ),
  })
  .meta({ id: "RerunPlan" });
export type RerunPlanView = z.infer<typeof rerunPlanView>;
