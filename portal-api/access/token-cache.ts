// Caches callers by the secret of their token for one second, so that a polling client does not cost a read of the journal
// each time.

import type { Clock } from "@gantry/runtime/clock.ts";
import type { Caller } from "./decide-access.ts";

export type TokenCache = {
  readonly get: (secret: string) => Caller | undefined;
  /**
   * Stores nothing if something has changed since `generation` was read, because the caller may be out of date. `leftMs`:
   * until the token expires.
   */
  readonly put: (secret: string, caller: Caller, generation: number, leftMs: number) => void;
  /** Changes with every `clear`. */
  readonly generation: () => number;
  /** After every change of a token or person in this process, so that the change takes effect at once. */
  readonly clear: () => void;
};

const LIFETIME_MS = 1_000;
const MAX_ENTRIES = 1_000;

/** Only valid secrets are stored. */
export function makeTokenCache(clock: Clock): TokenCache {
  const entries = new Map<string, { readonly caller: Caller; readonly untilMs: number }>();
  let generation = 0;
  return {
    get: (secret) => {
      const entry = entries.get(secret);
      return entry && entry.untilMs > clock.monotonicMs() ? entry.caller : undefined;
    },
    put: (secret, caller, seen, leftMs) => {
      if (seen !== generation) return;
      if (entries.size >= MAX_ENTRIES) entries.clear();
      entries.set(secret, { caller, untilMs: clock.monotonicMs() + Math.min(LIFETIME_MS, leftMs) });
    },
    generation: () => generation,
    clear: () => {
      entries.clear();
      generation += 1;
    },
  };
}
