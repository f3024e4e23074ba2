// What is polled, and how that goes.

import { z } from "zod";

const time = z.iso.datetime().describe("RFC 3339, UTC");

export const pollingView = z
  .object({
    source: z.string(),
    site: z.string().describe("Whose runners look"),
    system: z.string().optional().describe("The git host; absent: the only one of the site"),
    every: z.string(),
    nextAt: time.optional().describe("Absent: a task looks now"),
    lookedAt: time.optional().describe("When a task has last ended; absent: none has"),
    task: z.string().optional().describe("The task that looks, or has looked last"),
    problem: z.string().optional().describe("Why the last task has found nothing"),
    failed: z
      .array(z.object({ repository: z.string(), problem: z.string() }))
      .describe("Repositories that could not be read when they were last looked at"),
  })
  .meta({ id: "Polling" });
export type PollingView = z.output<typeof pollingView>;
