// Which git hosts are polled, because they cannot tell by a webhook.

import { parseDuration } from "@gantry/core/pipeline/duration.ts";
import { sourceName } from "@gantry/wire/agent/triggers/webhooks.ts";
import { z } from "zod";

const MIN_EVERY_MS = 1_000;

const patterns = z.array(z.string().min(1).max(250)).min(1).max(50);

const source = z.strictObject({
  /** The site whose runners look. */
  site: z.string().min(1).max(63),
  /** The git host as apps name it in `source.system`. Default: the only one of the site. */
  system: z.string().min(1).max(100).optional(),
  /** How often. Each time up to a tenth of it is added, so that sources do not look at the same moment. */
  every: z
    .string()
    .default("1m")
    .refine((text) => (parseDuration(text) ?? 0) >= MIN_EVERY_MS, "must be a duration of at least 1s, such as 1m"),
  /** As PROJECT/name, with `*` and `!`. Default: those of all apps of this git host. */
  repositories: patterns.default(["**"]),
  branches: patterns.default(["**"]),
  tags: patterns.default(["**"]),
});
export type PollSource = z.output<typeof source>;

export const pollingConfig = z.strictObject({ sources: z.record(sourceName, source).default({}) });
export type PollingConfig = z.output<typeof pollingConfig>;
