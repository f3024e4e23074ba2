// Which targets have changed lately, for those who follow the fleet. In memory: who has a cursor of another process reads everything
// again.

import type { FleetTarget } from "@gantry/core/fleet/fleet-targets.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";

/** Undefined in place of a target: what is heard of an Argo CD has changed. */
export type Change = FleetTarget | undefined;

export type ChangesSince = {
  readonly cursor: string;
  readonly reset: boolean;
  readonly changes: readonly Change[];
};

export type FleetChanges = {
  readonly add: (changes: readonly Change[]) => void;
  /** Held for up to `waitMs` while there is nothing new. Without `after`, only the cursor. */
  readonly since: (after: string | undefined, waitMs: number, signal: AbortSignal) => Promise<ChangesSince>;
};

const REMEMBERED = 10_000;
/** Changes that follow closely are answered together. */
const SETTLE_MS = 50;

export function openFleetChanges(clock: Clock, epoch: string): FleetChanges {
  let changes: Change[] = [];
  /** Number of the first change that is remembered. */
  let first = 0;
  const waiting = new Set<() => void>();
  const newest = (): number => first + changes.length;
  const answer = (from: number): ChangesSince => ({
    cursor: `${epoch}.${newest()}`,
    reset: false,
    changes: [...new Set(changes.slice(from - first))],
  });
  return {
    add: (more) => {
      if (more.length === 0) return;
      changes.push(...more);
      if (changes.length > 2 * REMEMBERED) {
        first += changes.length - REMEMBERED;
        changes = changes.slice(-REMEMBERED);
      }
      for (const wake of [...waiting]) wake();
    },
    since: async (after, waitMs, signal) => {
      if (after === undefined) return { cursor: `${epoch}.${newest()}`, reset: false, changes: [] };
      const [from = "", at = ""] = after.split(".");
      const number = Number(at);
      const isKnown = (): boolean =>
        from === epoch && Number.isInteger(number) && number >= first && number <= newest();
      if (isKnown() && number === newest() && waitMs > 0) {
        await pause(clock, waitMs, signal, (wake) => {
          waiting.add(wake);
          return () => waiting.delete(wake);
        });
        if (number < newest()) await pause(clock, SETTLE_MS, signal);
      }
      return isKnown() ? answer(number) : { cursor: `${epoch}.${newest()}`, reset: true, changes: [] };
    },
  };
}
