// The content folder of a runner, and its limit.

import type { RunnerDeps } from "../ports.ts";
import { sweepContent } from "./content-folder.ts";

export type ContentCache = {
  readonly folder: string;
  /**
   * Removes what was not used for the longest time, at most every ten minutes; every minute while there is more than there may
   * be. Never rejects: a full disk shows elsewhere.
   */
  readonly sweepIfDue: () => Promise<void>;
};

const EVERY_MS = 600_000;
const EVERY_CROWDED_MS = 60_000;
const MIB = 1_048_576;

export function openContentCache(
  folder: string,
  limitMb: number,
  { clock, logger }: Pick<RunnerDeps, "clock" | "logger">,
): ContentCache {
  let nextMs = 0;
  return {
    folder,
    sweepIfDue: async () => {
      if (clock.monotonicMs() < nextMs) return;
      nextMs = clock.monotonicMs() + EVERY_MS;
      try {
        const fits = await sweepContent(folder, limitMb * MIB, clock.nowMs());
        if (!fits) nextMs = clock.monotonicMs() + EVERY_CROWDED_MS;
      } catch (err) {
        logger.warn({ err, folder }, "the cache of artifacts could not be swept; it may grow beyond its limit");
      }
    },
  };
}
