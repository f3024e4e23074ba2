// What an operator has set for runners while they run. It comes with the answers to polls; what is not said is not set.

import { setLevel } from "@gantry/runtime/process/log-level.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { RunnerSettings } from "@gantry/wire/settings/settings.ts";
import type { RunnerConfig } from "./config.ts";

export type Live = {
  readonly take: (settings: RunnerSettings | undefined) => void;
  /** How long a poll is held open. */
  readonly pollMs: () => number;
  /** How long jobs may go on when the runner is asked to end. */
  readonly drainMs: () => number;
};

const POLL_MS = 25_000;

export function openLive({ drainSeconds }: Pick<RunnerConfig, "drainSeconds">, logger: Logger): Live {
  let now: RunnerSettings = {};
  return {
    take: (settings = {}) => {
      if (settings.logLevel !== now.logLevel) setLevel(logger, settings.logLevel);
      now = settings;
    },
    pollMs: () => now.pollMs ?? POLL_MS,
    drainMs: () => now.drainMs ?? drainSeconds * 1_000,
  };
}
