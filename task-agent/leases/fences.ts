// The counter of fences. It grows with the store's time and never falls behind a fence that a runner presents, so that a
// store which was restored from an older copy gives no fence twice.

import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import type { Alarms } from "../alarms.ts";

export type Fences = {
  /** A fence larger than every earlier one and than `before`. Rejects when the store fails. */
  readonly next: (before: number) => Promise<number>;
  /**
   * Compares the fence that a runner presents with `newest`, the newest fence that this store gave for the job (0: the job is
   * unknown). A larger one proves that the store was restored from an older copy: the counter is raised above it for good,
   * and an alarm is raised. Rejects when the store fails.
   */
  readonly checkPresented: (ref: JobRef, newest: number, runner: string) => Promise<void>;
};

/** `least`: every new fence is larger. */
const fenceStream = defineStream<{ readonly least: number }>({ prefix: "agent/fences" });
/** Fences are made from time. One this far ahead was not made by any store, and must not use up the numbers. */
const MAX_AHEAD_MICROS = 366 * 24 * 3_600_000_000;
/** A runner repeats its request, but the alarm is raised once per fence. */
const MAX_REPORTED = 1_000;

/** Reads how far the counter was raised before. Rejects when the store fails. */
export async function openFences(journal: Journal, alarms: Alarms): Promise<Fences> {
  const saved = await fenceStream.load(journal);
  const reported = new Set<string>();
  let last = saved?.state.least ?? 0;

  return {
    next: async (before) => {
      const micros = await journal.now();
      last = Math.max(last + 1, before + 1, micros);
      return last;
    },
    checkPresented: async (ref, newest, runner) => {
      if (ref.fence <= newest) return;
      const key = JSON.stringify(ref);
      if (reported.has(key)) return;
      if (reported.size >= MAX_REPORTED) reported.clear();
      reported.add(key);
      const isPossible = ref.fence <= (await journal.now()) + MAX_AHEAD_MICROS;
      const fields = { runner, ...ref, given: newest, believed: isPossible };
      alarms.raise(
        "store-rolled-back",
        fields,
        "a runner presents a fence that this store never gave: it may have been restored from an older copy",
      );
      if (!isPossible || ref.fence <= last) return;
      last = ref.fence;
      await raise(journal, ref.fence);
    },
  };
}

/** Several agents may do this at once: the highest number counts. */
async function raise(journal: Journal, fence: number): Promise<void> {
  for (;;) {
    const saved = await fenceStream.load(journal);
    const least = Math.max(fence, saved?.state.least ?? 0);
    const events = [{ kind: "FenceRaised", least }];
    const append = fenceStream.append("", { expected: saved?.version ?? 0, events, state: { least } });
    if ((await journal.append([append])).ok) return;
  }
}
