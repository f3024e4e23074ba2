// How long what has ended is kept before it leaves for the archive. Read anew at every sweep, so it may be changed meanwhile.

import { z } from "zod";

const days = (least: number) => z.int().min(least).max(36_500);
const keep = z.int().min(1).max(10_000);

/** A request's idempotency key gives the same answer for so long; the task and the key stay at least until then. */
export const KEY_WINDOW_DAYS = 7;

export const retentionPolicy = z.strictObject({
  /** false: nothing leaves. */
  enabled: z.boolean().default(true),
  tasks: z
    .strictObject({
      /** Since the task has ended. */
      days: days(KEY_WINDOW_DAYS).default(90),
      /** So many of the newest ended tasks of each app and pipeline stay, however old they are. */
      keep: keep.default(10),
      /** Other figures for a pipeline. */
      pipelines: z
        .record(z.string(), z.strictObject({ days: days(KEY_WINDOW_DAYS).optional(), keep: keep.optional() }))
        .default({}),
    })
    .prefault({}),
  logs: z
    .strictObject({
      /** Since the task has ended. */
      days: days(1).default(30),
      /** false: old logs are removed and not archived. */
      archive: z.boolean().default(true),
    })
    .prefault({}),
});
export type RetentionPolicy = z.output<typeof retentionPolicy>;

export const deliveryRetention = z.strictObject({
  enabled: z.boolean().default(true),
  /** Since the delivery was decided; at least a day longer than an event may be late. */
  days: days(7).default(30),
});
export type DeliveryRetention = z.output<typeof deliveryRetention>;

/** What counts for the tasks of one pipeline. */
export function taskTerms(
  { tasks }: RetentionPolicy,
  pipeline: string,
): { readonly days: number; readonly keep: number } {
  const own = Object.hasOwn(tasks.pipelines, pipeline) ? tasks.pipelines[pipeline] : undefined;
  return { days: own?.days ?? tasks.days, keep: own?.keep ?? tasks.keep };
}

/** The least number of days after which any task may leave: older ones are looked at. */
export function leastTaskDays({ tasks }: RetentionPolicy): number {
  return Math.min(tasks.days, ...Object.values(tasks.pipelines).map(({ days: own }) => own ?? tasks.days));
}
