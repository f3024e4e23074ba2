// Time as an argument: adapters and loops take a Clock, so that tests and the simulator need no sleeping. There is one
// Clock, one `pause` and, in backoff.ts, one rule for delays between tries.

/** Stops a timer; calling it again, or after the timer has fired, does nothing. */
export type Cancel = () => void;

export type Clock = {
  /** Wall clock, milliseconds since 1970; may jump. */
  readonly nowMs: () => number;
  /**
   * Milliseconds that only grow; may stand still while the machine sleeps. Its zero means nothing, but it is the same for
   * all threads of a process.
   */
  readonly monotonicMs: () => number;
  /** Calls `run` once after `ms`. */
  readonly after: (ms: number, run: () => void) => Cancel;
};

/** What only sets timers. */
export type Timers = Pick<Clock, "after">;

/**
 * Resolves after `ms`, as soon as the signal aborts (also when it already has), or when what `onWake` was given is called.
 * It never rejects: a loop checks its signal anyway, and a caller that must throw calls `signal.throwIfAborted()` afterwards.
 */
export function pause(
  clock: Timers,
  ms: number,
  signal?: AbortSignal,
  onWake?: (wake: () => void) => Cancel,
): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      forget?.();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    const forget = onWake?.(done);
    signal?.addEventListener("abort", done, { once: true });
    if (signal?.aborted) done();
  });
}

/** Node fires a timer at once when it is set for longer. */
const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * The machine's own time. Its timers do not keep a process alive: a forgotten timer must not hold up an exit. A process
 * without a server (the task-runner) keeps itself alive.
 */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  // `performance.now()` begins with each thread, and worker threads compare their times with the main thread's.
  monotonicMs: () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
  after: (ms, run) => {
    let timer: NodeJS.Timeout;
    const wait = (left: number): void => {
      const now = Math.min(Math.max(left, 0), LONGEST_TIMER_MS);
      timer = setTimeout(() => (left > now ? wait(left - now) : run()), now);
      timer.unref();
    };
    wait(ms);
    return () => clearTimeout(timer);
  },
};
