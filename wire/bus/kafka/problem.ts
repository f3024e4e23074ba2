// Errors of the Kafka clients in words.

import { connectionProblem } from "@gantry/core/system-error-words.ts";

/** The message of the deepest cause: the clients put the actual problem there. A full sentence. */
export function problemOfKafka(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${connectionProblem(deepest(error, 8))}.`;
}

function deepest(error: Error, depth: number): Error {
  const inner = error.cause instanceof Error ? error.cause : lastOf(error);
  return depth > 0 && inner !== undefined ? deepest(inner, depth - 1) : error;
}

/** An aggregate lists its tries; the last one is the newest. */
function lastOf(error: Error): Error | undefined {
  const last: unknown = error instanceof AggregateError ? error.errors.at(-1) : undefined;
  return last instanceof Error ? last : undefined;
}
