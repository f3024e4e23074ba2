// Limits what a runner may have stored about one attempt, whatever it is made of: every change of a task is an event, and events
// are kept. Each agent counts for itself, since its start.

import { GantryError } from "@gantry/core/errors.ts";
import type { Decision } from "@gantry/core/task/decision.ts";
import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import { type Limits, raise } from "../limits.ts";

/** Counts the events of the decision, or answers `body-too-large` in place of it. One that is decided again counts again. */
export type AttemptBudget = (ref: JobRef, decision: Decision) => Decision;

/** Far more than run at the same time. What was used least lately is forgotten. */
const MAX_ATTEMPTS = 20_000;

export function openAttemptBudget({ attemptBytes }: Pick<Limits, "attemptBytes">): AttemptBudget {
  const used = new Map<string, number>();
  return ({ task, job, attempt }, decision) => {
    if (decision.refuse || decision.events.length === 0) return decision;
    const key = JSON.stringify([task, job, attempt]);
    const bytes = (used.get(key) ?? 0) + Buffer.byteLength(JSON.stringify(decision.events));
    if (bytes > attemptBytes) return { refuse: tooLarge(job, attemptBytes) };
    used.delete(key);
    used.set(key, bytes);
    const [oldest] = used.keys();
    if (used.size > MAX_ATTEMPTS && oldest !== undefined) used.delete(oldest);
    return decision;
  };
}

function tooLarge(job: string, limit: number): GantryError {
  return new GantryError("body-too-large", {
    what: `All that is reported about one attempt of job ${job}`,
    limit,
    hint: raise("attemptBytes"),
  });
}
