// Hears what other agents do with the journal that they share with this one, within milliseconds.

import type { Journal, JournalEvent } from "@gantry/journal/journal.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";

export type FollowDeps = {
  readonly journal: Journal;
  readonly clock: Clock;
  /** Events of one page, of all streams, in their order. */
  readonly onEvents: (events: readonly JournalEvent[]) => Promise<void>;
  readonly onError: (error: unknown, what: string) => void;
};

const PAGE = 500;
const WAIT_MS = 20_000;
const RETRY_MS = 500;
const GATHER_MS = 5;

/** Everything that is committed after `seq`. Resolves at once; `stop` resolves when nothing is at work any more. */
export function follow({ journal, clock, onEvents, onError }: FollowDeps, seq: number): { stop: () => Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;

  const run = async (): Promise<void> => {
    let after = seq;
    let failing = false;
    while (!signal.aborted) {
      try {
        const page = await journal.feed({ after, limit: PAGE, others: true, waitMs: WAIT_MS, signal });
        if (page.length > 0) await onEvents(page);
        after = page.at(-1)?.seq ?? after;
        failing = false;
        // What comes close behind is read together.
        if (page.length > 0) await pause(clock, GATHER_MS, signal);
      } catch (error) {
        // Said once; the journal is asked again until it answers, from where it was.
        if (!failing && !signal.aborted) onError(error, "hearing what other agents do");
        failing = true;
        await pause(clock, RETRY_MS, signal);
      }
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
