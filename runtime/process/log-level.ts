// Changes the log level of a running process, and restores the configured one.

import type { Logger } from "./logger.ts";

const CONFIGURED = new WeakMap<Logger, string>();

/** undefined: the configured level. */
export function setLevel(logger: Logger, level: string | undefined): void {
  if (logger.level === undefined) return;
  const configured = CONFIGURED.get(logger) ?? logger.level;
  CONFIGURED.set(logger, configured);
  logger.level = level ?? configured;
}
