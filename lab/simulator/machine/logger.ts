// Log lines of simulated processes: nobody reads them, but mistakes of ours must not hide in them.

import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { Invariants } from "../invariants/invariants.ts";

/** An error that only a mistake makes is a surprise, at whatever level it is logged. */
export function surpriseLogger(judge: Invariants, name: string): Logger {
  const look = (fields: object, message: string): void => {
    const error: unknown = "err" in fields ? fields.err : undefined;
    if (isMistake(error)) judge.violated("no-surprise", `${name}: ${message}: ${(error as Error).stack}`);
  };
  return { debug: look, info: look, warn: look, error: look };
}

/** Not the error of a connection, which is a TypeError with a cause. */
function isMistake(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof TypeError) return error.cause === undefined;
  return (
    error instanceof ReferenceError || error instanceof RangeError || /^(task|job) \S+: .* -> /.test(error.message)
  );
}
