// Triggers as the task-agent shows them, and what may be asked of them.

import { TRIGGER_KINDS } from "@gantry/core/trigger/trigger.ts";
import { z } from "zod";

const time = z.iso.datetime().describe("RFC 3339, UTC");

/** `orders:nightly:schedule-1`. */
export const triggerId = z
  .string()
  .regex(/^(?:_|[a-z][a-z0-9-]*):[a-z][a-z0-9.-]*:[a-z_]+-\d{1,3}$/, "must be the id of a trigger")
  .max(250);

export const triggerView = z
  .object({
    id: z.string().describe("App, pipeline, kind and number; `_` in place of the app for a pipeline without one"),
    pipeline: z.string(),
    app: z.string().optional(),
    kind: z.enum(TRIGGER_KINDS),
    title: z.string().optional(),
    text: z.string().describe("What it waits for: `0 3 * * 1-5 Europe/Berlin`, `push to main`"),
    params: z
      .record(z.string(), z.json())
      .optional()
      .describe("Values that it gives to params of the pipeline, as its file says them"),
    timeZone: z.string().optional().describe("Of a schedule"),
    nextAt: time
      .optional()
      .describe("When a schedule starts its next task, with its jitter. Absent: never, or unknown"),
    nextInZone: z.string().optional().describe("The same time in the zone of the schedule"),
    plannedAt: time.optional().describe("The planned time that `nextAt` belongs to"),
    waiting: z.int().optional().describe("Planned times that wait until the last task has ended"),
    count: z.int().optional().describe("How many tasks a schedule has started"),
    paused: z.object({ by: z.string(), at: time, reason: z.string().optional() }).optional(),
    last: z
      .object({
        at: time,
        plannedAt: time.optional(),
        task: z.string().optional(),
        nothing: z.string().optional().describe("Why no task was started"),
      })
      .optional()
      .describe("What it did last"),
  })
  .meta({ id: "Trigger" });
export type TriggerView = z.infer<typeof triggerView>;

export const pauseTrigger = z.object({
  principal: z.string().min(1).max(200),
  reason: z.string().trim().max(500).optional(),
});
export const resumeTrigger = z.object({ principal: z.string().min(1).max(200) });
export const runTrigger = z.object({
  principal: z.string().min(1).max(200),
  idempotencyKey: z.string().min(1).max(200),
});
