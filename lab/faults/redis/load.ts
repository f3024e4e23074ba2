// A writer that appends all the time and records what was acknowledged.

import type { Journal } from "@gantry/journal/journal.ts";

export type Load = {
  /** Streams whose append was acknowledged. */
  readonly acked: ReadonlySet<string>;
  /** Streams whose append rejected: they may or may not be committed. */
  readonly unknown: ReadonlySet<string>;
  /** Every store time that the journal returned, in order; fences are made of these. */
  readonly times: readonly number[];
  /** What a reader of the feed received: seq → stream. */
  readonly shown: ReadonlyMap<number, string>;
  /** Longest time from a call to its rejection, ms. */
  readonly slowestRejectionMs: () => number;
  /** Resolves when this many more appends were acknowledged (or rejected) than now. */
  readonly moreAcked: (count: number) => Promise<void>;
  readonly moreUnknown: (count: number) => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** Appends one new stream with the index `open` every `everyMs`, and follows the feed. */
export function startLoad(journal: Journal, name: string, everyMs: number): Load {
  const acked = new Set<string>();
  const unknown = new Set<string>();
  const times: number[] = [];
  const shown = new Map<number, string>();
  const watchers = new Set<() => void>();
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();
  let slowest = 0;
  let count = 0;

  const one = async (): Promise<void> => {
    count += 1;
    const stream = `task/${name}-${count}`;
    const started = performance.now();
    try {
      times.push(await journal.now());
      const batch = [
        { stream, expected: 0, events: [{ n: count }], snapshot: { n: count }, index: { open: [stream] } },
      ];
      const result = await journal.append(batch);
      if (!result.ok) throw new Error(`${stream} was there already`);
      acked.add(stream);
    } catch {
      // The caller got no confirmation that it is committed.
      unknown.add(stream);
      slowest = Math.max(slowest, performance.now() - started);
    }
    for (const look of watchers) look();
  };
  const ticking = setInterval(() => {
    const mine = one().finally(() => running.delete(mine));
    running.add(mine);
  }, everyMs);

  const follow = async (): Promise<void> => {
    let after = 0;
    while (!stopping.signal.aborted) {
      try {
        for (const event of await journal.feed({ after, limit: 500, waitMs: 1_000, signal: stopping.signal })) {
          if (event.seq <= after) throw new Error(`the feed went back from ${after} to ${event.seq}`);
          after = event.seq;
          shown.set(event.seq, event.stream);
        }
      } catch (error) {
        if (!(error instanceof Error) || error.name !== "GantryError") throw error;
        await more(() => acked.size + unknown.size, 1);
      }
    }
  };
  const following = follow();

  const more = (size: () => number, by: number): Promise<void> => {
    const want = size() + by;
    return new Promise((resolve) => {
      const look = (): void => {
        if (size() < want && !stopping.signal.aborted) return;
        watchers.delete(look);
        resolve();
      };
      watchers.add(look);
      look();
    });
  };

  return {
    acked,
    unknown,
    times,
    shown,
    slowestRejectionMs: () => slowest,
    moreAcked: (by) => more(() => acked.size, by),
    moreUnknown: (by) => more(() => unknown.size, by),
    stop: async () => {
      clearInterval(ticking);
      await Promise.all(running);
      stopping.abort();
      for (const look of [...watchers]) look();
      await following;
    },
  };
}
