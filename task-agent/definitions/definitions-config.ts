// Where the definitions of the platform team are in git.

import { parseDuration } from "@gantry/core/pipeline/duration.ts";
import { z } from "zod";

const MIN_EVERY_MS = 1_000;

export const definitionsConfig = z.strictObject({
  /** The git host, as the runners at site `platform` know it. Default: the only one that they have. */
  system: z.string().min(1).optional(),
  project: z.string().min(1).max(200),
  slug: z.string().min(1).max(200),
  branch: z.string().min(1).max(250).default("main"),
  /** How often it is read. A webhook or a person can ask in between. */
  every: z
    .string()
    .default("5m")
    .refine((text) => (parseDuration(text) ?? 0) >= MIN_EVERY_MS, "must be a duration of at least 1s, such as 5m"),
});
export type DefinitionsConfig = z.output<typeof definitionsConfig>;
