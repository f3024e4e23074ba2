// Reads what other agents commit to the shared journal, within milliseconds.

import type { Journal, JournalEvent } from "@gantry/journal/journal.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";

export type FollowDeps = {
  readonly journal: Pick<Journal, "feed">;
  readonly clock: Clock;
  /** Called with the events of one page, of all streams, in order. The next page waits for it. */
  readonly onEvents: (events: readonly JournalEvent[]) => Promise<void>;
  /** Called once per outage. */
  readonly onError: (error: unknown, what: string) => void;
};

const PAGE = 500;
const WAIT_MS = 20_000;
const RETRY_MS = 500;
/** Events that follow closely are read together. */
const BATCH_MS = 5;

/**
 * Reads the events after `seq` until it is stopped; a page that fails is read again. Returns at once. `stop` resolves when
 * no work is in progress any more.
 */
export function followJournal(
  { journal, clock, onEvents, onError }: FollowDeps,
  seq: number,
): { stop: () => Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;

  const run = async (): Promise<void> => {
    let after = seq;
    let isFailing = false;
    while (!signal.aborted) {
      try {
        const page = await journal.feed({ after, limit: PAGE, others: true, waitMs: WAIT_MS, signal });
        if (page.length > 0) await onEvents(page);
        after = page.at(-1)?.seq ?? after;
        isFailing = false;
        if (page.length > 0) await pause(clock, BATCH_MS, signal);
      } catch (error) {
        if (!isFailing && !signal.aborted) onError(error, "reading what other agents committed");
        isFailing = true;
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
