// What an operator has asked of a runner, as people see it. Part of views.ts.

import { z } from "zod";

export const runnerAsked = z
  .object({
    to: z
      .enum(["drain", "stop", "stop-now"])
      .describe("drain: it takes no new jobs. stop: its process also ends after its jobs. stop-now: at once"),
    state: z
      .enum(["draining", "drained", "stopping", "stopped"])
      .describe("drained: it runs no job. stopped: the same, and nothing is heard of it any more"),
    by: z.string(),
    at: z.iso.datetime().describe("RFC 3339, UTC"),
    reason: z.string(),
  })
  .meta({ id: "RunnerAsked" });
export type RunnerAsked = z.infer<typeof runnerAsked>;
