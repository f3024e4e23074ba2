// The input of the one step of the simulated pipelines.

import { z } from "zod";

export const stepInput = z.object({
  workMs: z.number(),
  /** How often the step answers `waiting` before it works. */
  waits: z.number(),
  waitMs: z.number(),
  effects: z.number(),
  /** What an effect changes: it creates a thing once, replaces one by compare-and-swap, or adds to one without comparing. */
  target: z.enum(["create", "replace", "add"]),
  /** Probability of an error for which the step is retried. */
  flaky: z.number(),
  /** Probability that the step ends as failed. */
  fail: z.number(),
  /** How long it continues after it was asked to stop. */
  stubbornMs: z.number(),
  lines: z.number(),
});
export type StepInput = z.infer<typeof stepInput>;
