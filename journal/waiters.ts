// Those who wait for the next commit. Shared by the adapters that live in one process.

import type { Clock } from "@gantry/runtime/clock.ts";
import type { JournalEvent } from "./journal.ts";

export type Waiters = {
  /** How often `wake` was called. */
  readonly count: () => number;
  /**
   * Resolves at the next `wake`, after `ms`, or when the signal aborts, whichever comes first. `since`: at once when there
   * was a `wake` after that count.
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
      new Promise((resolve) => {
        if (since !== count) return resolve();
        const done = (): void => {
          if (!waiting.delete(done)) return;
          cancelTimer();
          signal?.removeEventListener("abort", done);
          resolve();
        };
        waiting.add(done);
        const cancelTimer = clock.after(ms, done);
        signal?.addEventListener("abort", done, { once: true });
        if (signal?.aborted) done();
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

/** What `read` finds now, or after a commit that brings something; see Journal.feed. */
export async function readOrWait(
  { read, waiters, clock, isClosed }: Source,
  { waitMs = 0, signal }: { readonly waitMs?: number; readonly signal?: AbortSignal },
): Promise<readonly JournalEvent[]> {
  const until = clock.monotonicMs() + waitMs;
  for (;;) {
    const found = isClosed() ? [] : read();
    const left = until - clock.monotonicMs();
    // Not every commit has events: leases are written down without any.
    if (found.length > 0 || left <= 0 || signal?.aborted || isClosed()) return found;
    await waiters.wait(left, signal);
  }
}
