// Work that comes round every hour and must hold nobody up: one pass at a time, in small pieces with rests between them.

import { type Clock, pause } from "./clock.ts";

export type Periodic = {
  /** Between two pieces of work: as long as the last one took, so that at most half of a core goes there. */
  readonly rest: () => Promise<void>;
  readonly isStopping: () => boolean;
  /** A pass now; rejects when it fails. Where one is under way, that one. */
  readonly run: () => Promise<void>;
  /** The first pass some minutes from now, then one every hour, until `close`. */
  readonly start: () => void;
  /** Resolves when the piece of work that is under way is done. */
  readonly close: () => Promise<void>;
};

const FIRST_MS = 5 * 60_000;
const EVERY_MS = 60 * 60_000;
const LEAST_REST_MS = 2;
const MOST_REST_MS = 250;

export function openPeriodic(deps: {
  readonly clock: Clock;
  /** Between 0 and 1: processes that start together need not work together. */
  readonly random: () => number;
  readonly pass: () => Promise<void>;
  /** Hears of passes that nobody else waits for. Must not throw. */
  readonly onFailed: (error: unknown) => void;
}): Periodic {
  const { clock } = deps;
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let cancelTimer = (): void => {};
  let restedMs = 0;

  const run = (): Promise<void> => {
    restedMs = clock.monotonicMs();
    running ??= deps.pass().finally(() => {
      running = undefined;
    });
    return running;
  };
  const plan = (ms: number): void => {
    cancelTimer = clock.after(ms, () => {
      run()
        .catch(deps.onFailed)
        .finally(() => {
          if (!stopping.signal.aborted) plan(EVERY_MS);
        });
    });
  };
  return {
    rest: async () => {
      const tookMs = clock.monotonicMs() - restedMs;
      await pause(clock, Math.min(MOST_REST_MS, Math.max(LEAST_REST_MS, tookMs)), stopping.signal);
      restedMs = clock.monotonicMs();
    },
    isStopping: () => stopping.signal.aborted,
    run,
    start: () => plan(FIRST_MS * (1 + deps.random())),
    close: async () => {
      stopping.abort();
      cancelTimer();
      // Where it fails, the next pass of any process does the same work again.
      await running?.catch(() => undefined);
    },
  };
}
