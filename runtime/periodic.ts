// Background work that runs every hour: one pass at a time, in small pieces with pauses between them, so that it does not
// slow down other work.

import { type Cancel, type Clock, pause, type Timers } from "./clock.ts";

/** Calls `run` every `ms`, first after `ms`, until it is canceled. It does not wait for what `run` begins. */
export function every(clock: Timers, ms: number, run: () => void): Cancel {
  let cancel: Cancel = () => {};
  const schedule = (): void => {
    cancel = clock.after(ms, () => {
      schedule();
      run();
    });
  };
  schedule();
  return () => cancel();
}

export type Periodic = {
  /** Call it between two pieces of work: pauses as long as the last piece took, so that a pass uses at most half a core. */
  readonly rest: () => Promise<void>;
  readonly isStopping: () => boolean;
  /** Runs a pass now, or joins the one that is running; rejects when it fails. */
  readonly run: () => Promise<void>;
  /** Begins with a pass in 5 to 10 minutes, then one every hour, until `close`. */
  readonly start: () => void;
  /** Resolves when the running piece of work has ended. */
  readonly close: () => Promise<void>;
};

const FIRST_MS = 5 * 60_000;
const EVERY_MS = 60 * 60_000;
const LEAST_REST_MS = 2;
const MOST_REST_MS = 250;

export function openPeriodic(deps: {
  readonly clock: Clock;
  /** Between 0 and 1: spreads the passes of processes that start together. */
  readonly random: () => number;
  readonly pass: () => Promise<void>;
  /** Called with the error of a scheduled pass. Must not throw. */
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
      // After a failure the next pass of any process repeats the work.
      await running?.catch(() => undefined);
    },
  };
}
