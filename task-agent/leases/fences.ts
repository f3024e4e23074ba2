// The counter of fences. It grows with the store's time and never falls behind what a runner has shown: so a store that
// was set back to an older copy gives no fence twice.

import type { Journal } from "@gantry/journal/journal.ts";
import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import type { Alarms } from "../alarms.ts";

export type Fences = {
  /** A fence that is larger than every one before, and than `last`. */
  readonly next: (last: number) => Promise<number>;
  /**
   * Compares what a runner shows with the newest fence that this store has given for the job (0: it knows no such job).
   * A larger one is proof that the store was set back: the counter is raised over it, for ever, and somebody is told.
   */
  readonly heard: (ref: JobRef, given: number, runner: string) => Promise<void>;
};

const STREAM = "agent/fences";
/** Fences are made of time: one from so far ahead was made by nobody, and must not use the numbers up. */
const MAX_AHEAD_MICROS = 366 * 24 * 3_600_000_000;
/** A runner repeats itself until it has understood; nobody needs to read that. */
const MAX_TOLD = 1_000;

/** Reads how far the counter was raised before. */
export async function openFences(journal: Journal, alarms: Alarms): Promise<Fences> {
  const kept = (await journal.load(STREAM))?.snapshot as { least?: number } | undefined;
  const told = new Set<string>();
  let last = kept?.least ?? 0;

  return {
    next: async (before) => {
      const micros = await journal.now();
      last = Math.max(last + 1, before + 1, micros);
      return last;
    },
    heard: async (ref, given, runner) => {
      if (ref.fence <= given) return;
      const key = JSON.stringify(ref);
      if (told.has(key)) return;
      if (told.size >= MAX_TOLD) told.clear();
      told.add(key);
      const isPossible = ref.fence <= (await journal.now()) + MAX_AHEAD_MICROS;
      const fields = { runner, ...ref, given, believed: isPossible };
      alarms.raise("store-rolled-back", fields, "a runner shows a fence that this store never gave: was it set back?");
      if (!isPossible || ref.fence <= last) return;
      last = ref.fence;
      await raise(journal, ref.fence);
    },
  };
}

/** Events stay away: what counts is the highest number, and it may be written by several at once. */
async function raise(journal: Journal, fence: number): Promise<void> {
  for (;;) {
    const loaded = await journal.load(STREAM);
    const least = Math.max(fence, (loaded?.snapshot as { least?: number } | undefined)?.least ?? 0);
    const events = [{ kind: "FenceRaised", least }];
    const append = { stream: STREAM, expected: loaded?.version ?? 0, events, snapshot: { least } };
    if ((await journal.append([append])).ok) return;
  }
}
