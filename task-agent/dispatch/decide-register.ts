// Whether a process may speak for a runner. Pure. The newest process wins, for ever: one that was replaced may not come
// back, or two living processes of one name would take over from each other without end.

import { GantryError } from "@gantry/core/errors.ts";
import type { SessionRequest } from "@gantry/wire/runner/protocol.ts";

/** What is kept of a runner, so that it is listed while it is away. Times in ms since 1970. */
export type KeptRunner = {
  readonly facts: Omit<SessionRequest, "running">;
  readonly at: number;
  /** Boot ids of processes that newer ones took over from, newest first. */
  readonly replaced: readonly string[];
  /** Somebody has taken the runner out of service. */
  readonly removed: boolean;
};

const MAX_REPLACED = 200;

/**
 * The runner after its process has registered, or why it may not: `session-gone`, `unauthenticated`, or `conflict` for a
 * registration that was overtaken on its way: what it lists was true before, and must not take away what came since.
 */
export function decideRegister(
  known: KeptRunner | undefined,
  { running: _, ...facts }: SessionRequest,
  at: number,
): KeptRunner | GantryError {
  if (known?.removed) return new GantryError("unauthenticated");
  if (known?.replaced.includes(facts.bootId)) return new GantryError("session-gone");
  if (known?.facts.bootId === facts.bootId && (facts.registration ?? 0) <= (known.facts.registration ?? -1))
    return new GantryError("conflict", { what: `Registration ${facts.registration} of runner ${facts.runner}` });
  const older = known && known.facts.bootId !== facts.bootId ? [known.facts.bootId] : [];
  const replaced = [...older, ...(known?.replaced ?? [])].slice(0, MAX_REPLACED);
  return { facts, at, replaced, removed: false };
}
