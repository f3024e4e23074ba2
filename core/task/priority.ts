// Which of two waiting jobs a runner takes first.

import { expressionFailed } from "../expr/expression.ts";
import { didYouMean } from "../suggest.ts";

export const PRIORITIES = ["low", "normal", "high"] as const;
export type Priority = (typeof PRIORITIES)[number];

/**
 * A job counts as if it had waited this much longer, ms. Jobs of a low priority grow older, too, so none is starved: one passes
 * every job that comes later than the difference.
 */
const HEAD_START_MS: Readonly<Record<Priority, number>> = { low: -600_000, normal: 0, high: 600_000 };

/** Sorts waiting jobs: the smallest first. `since`: when the job could first start, ms since 1970. */
export function rankOf(priority: Priority | undefined, since: number): number {
  return since - HEAD_START_MS[priority ?? "normal"];
}

/** Throws GantryError `expression-failed` for another word. */
export function readPriority(text: string): Priority {
  const problem = priorityProblem(text);
  if (problem !== undefined) throw expressionFailed("priority", problem);
  return text as Priority;
}

/** Undefined: it is a priority. */
export function priorityProblem(text: string): string | undefined {
  if ((PRIORITIES as readonly string[]).includes(text)) return undefined;
  return `${JSON.stringify(text)} is not one of ${PRIORITIES.join(", ")}${didYouMean(text, PRIORITIES)}`;
}
