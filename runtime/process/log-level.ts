// The level of a process's log, changed while it runs and taken back to what it was configured with.

import type { Logger } from "./logger.ts";

const CONFIGURED = new WeakMap<Logger, string>();

/** undefined: as it was configured. */
export function setLevel(logger: Logger, level: string | undefined): void {
  if (logger.level === undefined) return;
  const configured = CONFIGURED.get(logger) ?? logger.level;
  CONFIGURED.set(logger, configured);
  logger.level = level ?? configured;
}
