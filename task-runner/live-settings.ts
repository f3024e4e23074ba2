// What an operator has set for runners while they run. Answers to polls carry these settings; a setting that is absent is
// not set.

import { setLevel } from "@gantry/runtime/process/log-level.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { RunnerSettings } from "@gantry/wire/settings/settings.ts";
import type { RunnerConfig } from "./config.ts";

export type LiveSettings = {
  /** Replaces all settings. */
  readonly apply: (settings: RunnerSettings | undefined) => void;
  /** How long a poll stays open, in milliseconds. */
  readonly pollMs: () => number;
  /** How long jobs may continue when the runner is asked to end, in milliseconds. */
  readonly drainMs: () => number;
};

const POLL_MS = 25_000;

export function openLiveSettings({ drainSeconds }: Pick<RunnerConfig, "drainSeconds">, logger: Logger): LiveSettings {
  let current: RunnerSettings = {};
  return {
    apply: (settings = {}) => {
      if (settings.logLevel !== current.logLevel) setLevel(logger, settings.logLevel);
      current = settings;
    },
    pollMs: () => current.pollMs ?? POLL_MS,
    drainMs: () => current.drainMs ?? drainSeconds * 1_000,
  };
}
