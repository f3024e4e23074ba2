// How long ended tasks, logs and deliveries are kept before they are archived. The policy is read at every sweep, so changes
// take effect.

import { z } from "zod";

const days = (least: number) => z.int().min(least).max(36_500);
const keep = z.int().min(1).max(10_000);

/** How long an idempotency key returns the same answer. The task and the key are kept at least that long. */
export const KEY_WINDOW_DAYS = 7;

export const retentionPolicy = z.strictObject({
  /** false: nothing is archived or removed. */
  enabled: z.boolean().default(true),
  tasks: z
    .strictObject({
      /** Since the task has ended. */
      days: days(KEY_WINDOW_DAYS).default(90),
      /** This many of the newest ended tasks of each app and pipeline are kept, regardless of age. */
      keep: keep.default(10),
      /** Overrides for one pipeline. */
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
  webhooks: z
    .strictObject({
      /** Since a delivery was received. For so long a copy of it is recognised. It is removed, not archived. */
      days: days(KEY_WINDOW_DAYS).default(30),
    })
    .prefault({}),
});
export type RetentionPolicy = z.output<typeof retentionPolicy>;

export const deliveryRetention = z.strictObject({
  enabled: z.boolean().default(true),
  /** From the creation of the delivery; at least a day longer than the largest delay of an event. */
  days: days(7).default(30),
});
export type DeliveryRetention = z.output<typeof deliveryRetention>;

/** The policy for the tasks of one pipeline. */
export function taskTerms(
  { tasks }: RetentionPolicy,
  pipeline: string,
): { readonly days: number; readonly keep: number } {
  const own = Object.hasOwn(tasks.pipelines, pipeline) ? tasks.pipelines[pipeline] : undefined;
  return { days: own?.days ?? tasks.days, keep: own?.keep ?? tasks.keep };
}

/** The smallest number of days after which any task may be archived. Only older tasks are examined. */
export function leastTaskDays({ tasks }: RetentionPolicy): number {
  return Math.min(tasks.days, ...Object.values(tasks.pipelines).map(({ days: own }) => own ?? tasks.days));
}
