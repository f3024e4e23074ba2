// Callers that wait for the next commit. Shared by all adapters.

import { type Clock, pause } from "@gantry/runtime/clock.ts";
import type { JournalEvent } from "./journal.ts";

export type Waiters = {
  /** How often `wake` has been called. */
  readonly count: () => number;
  /**
   * Resolves at the next `wake`, after `ms`, or when the signal aborts, whichever comes first. `since`: resolves at once if
   * `wake` was called after that count.
   */
  readonly wait: (ms: number, signal: AbortSignal | undefined, since?: number) => Promise<void>;
  readonly wake: () => void;
};

export function makeWaiters(clock: Clock): Waiters {
  const waiting = new Set<() => void>();
  let count = 0;
  return {
    count: () => count,
    wait: (ms, signal, since = count) =>
      since !== count
        ? Promise.resolve()
        : pause(clock, ms, signal, (done) => {
            waiting.add(done);
            return () => waiting.delete(done);
          }),
    wake: () => {
      count += 1;
      for (const done of [...waiting]) done();
    },
  };
}

export type Source = {
  readonly read: () => readonly JournalEvent[];
  readonly waiters: Waiters;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly isClosed: () => boolean;
};

/** Answers what `read` finds now or after a later commit; see Journal.feed. */
export async function readOrWait(
  { read, waiters, clock, isClosed }: Source,
  { waitMs = 0, signal }: { readonly waitMs?: number; readonly signal?: AbortSignal },
): Promise<readonly JournalEvent[]> {
  const until = clock.monotonicMs() + waitMs;
  for (;;) {
    const found = isClosed() ? [] : read();
    const left = until - clock.monotonicMs();
    // A commit may have no events; a lease renewal has none.
    if (found.length > 0 || left <= 0 || signal?.aborted || isClosed()) return found;
    await waiters.wait(left, signal);
  }
}
