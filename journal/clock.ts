// Time as an argument: adapters and loops take a Clock, so that tests and the simulator need no sleeping.

export type Clock = {
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Calls `run` once after `ms`; the answer takes it back. */
  readonly after: (ms: number, run: () => void) => () => void;
};

/** The machine's own time. Its timers do not keep a process alive. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
