// The logger of simulated processes. It drops the lines but reports errors that only a bug can cause.

import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { ViolationSink } from "../violation.ts";

/** Reports TypeErrors and the like at every log level. */
export function errorLogger(invariants: ViolationSink, name: string): Logger {
  const check = (fields: object, message: string): void => {
    const error: unknown = "err" in fields ? fields.err : undefined;
    if (isBug(error)) invariants.violated("no-unexpected-error", `${name}: ${message}: ${(error as Error).stack}`);
  };
  return { debug: check, info: check, warn: check, error: check };
}

/** A failed connection is a TypeError too, but it has a cause. */
function isBug(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof TypeError) return error.cause === undefined;
  return (
    error instanceof ReferenceError || error instanceof RangeError || /^(task|job) \S+: .* -> /.test(error.message)
  );
}
