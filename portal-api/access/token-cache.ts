// Callers by the secret of their token, for one second: a client that polls does not cost a read of the journal each time.

import type { Clock } from "@gantry/runtime/clock.ts";
import type { Caller } from "./decide-access.ts";

export type TokenCache = {
  readonly get: (secret: string) => Caller | undefined;
  /** Stores nothing when tokens have changed since `generation` was read: the caller may be out of date. */
  readonly put: (secret: string, caller: Caller, generation: number) => void;
  /** Changes with every `clear`. */
  readonly generation: () => number;
  /** After every change of a token in this process, so that the change takes effect at once. */
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
    put: (secret, caller, seen) => {
      if (seen !== generation) return;
      if (entries.size >= MAX_ENTRIES) entries.clear();
      entries.set(secret, { caller, untilMs: clock.monotonicMs() + LIFETIME_MS });
    },
    generation: () => generation,
    clear: () => {
      entries.clear();
      generation += 1;
    },
  };
}
