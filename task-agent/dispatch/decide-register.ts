// Decides whether a process may register as a runner. Pure. The newest process wins permanently: a replaced process may not
// come back. Otherwise two live processes with one name would replace each other endlessly.

import { GantryError } from "@gantry/core/errors.ts";
import type { SessionRequest } from "@gantry/wire/runner/protocol.ts";
import { type Asked, afterRegistration } from "./decide-asked.ts";

/** What is stored about a runner, so that it is listed while it is offline. */
export type RunnerState = {
  readonly facts: Omit<SessionRequest, "running">;
  /** When it last registered, ms since 1970. */
  readonly at: number;
  /** Boot ids of the processes that were replaced, newest first. */
  readonly replaced: readonly string[];
  /** The runner was taken out of service. */
  readonly removed: boolean;
  /** Absent: it works as usual. */
  readonly asked?: Asked | undefined;
};

const MAX_REPLACED = 200;

/**
 * The runner after its process has registered, or why the process may not: `runner-name-taken` for a name that belongs to
 * another site, or is stored under the same key as another name; `session-gone` for a replaced process, `unauthenticated`
 * for a runner out of service, or `conflict` for a registration that arrives after a newer one of the same process. Its list
 * of running jobs is out of date, and must not revoke jobs that were claimed since.
 */
export function decideRegister(
  known: RunnerState | undefined,
  { running: _, ...facts }: SessionRequest,
  at: number,
): RunnerState | GantryError {
  if (known && (known.facts.site !== facts.site || known.facts.runner !== facts.runner))
    return new GantryError("runner-name-taken", { runner: facts.runner });
  if (known?.removed) return new GantryError("unauthenticated");
  if (known?.replaced.includes(facts.bootId)) return new GantryError("session-gone");
  if (known?.facts.bootId === facts.bootId && (facts.registration ?? 0) <= (known.facts.registration ?? -1))
    return new GantryError("conflict", { what: `Registration ${facts.registration} of runner ${facts.runner}` });
  const older = known && known.facts.bootId !== facts.bootId ? [known.facts.bootId] : [];
  const replaced = [...older, ...(known?.replaced ?? [])].slice(0, MAX_REPLACED);
  return { facts, at, replaced, removed: false, asked: afterRegistration(known, facts.bootId) };
}

/** The runner after its name was given to another site: the process of the previous site may not come back. */
export function decideHandOver(known: RunnerState, site: string): RunnerState {
  const replaced = [known.facts.bootId, ...known.replaced].slice(0, MAX_REPLACED);
  return { ...known, facts: { ...known.facts, site }, replaced, removed: false };
}
