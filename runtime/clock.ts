// Time as an argument: adapters and loops take a Clock, so that tests and the simulator need no sleeping.

export type Clock = {
  /** Wall clock, milliseconds since 1970; may jump. */
  readonly nowMs: () => number;
  /** Milliseconds that only grow; may stand still while the machine sleeps. */
  readonly monotonicMs: () => number;
  /** Calls `run` once after `ms`; the answer takes it back. */
  readonly after: (ms: number, run: () => void) => () => void;
};

/** What waits for something else than time: resolves when `wake` is called, after `ms`, or when the signal aborts. */
export function wakeable(
  clock: Clock,
  ms: number,
  signal: AbortSignal | undefined,
  onWake: (wake: () => void) => () => void,
): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      forget();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    const forget = onWake(done);
    signal?.addEventListener("abort", done, { once: true });
    if (signal?.aborted) done();
  });
}

/** Resolves after `ms`, or as soon as the signal aborts. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return wakeable(clock, ms, signal, () => () => undefined);
}

/** The machine's own time. Its timers do not keep a process alive. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
