// Time for the Kafka adapter: limits for promises that kafkajs may never settle, and pauses that can be cut short.

/** Calls once after so many ms; the answer takes it back. */
export type After = (ms: number, run: () => void) => () => void;

/** The machine's own time. Its timers do not keep a process alive. */
export const machineAfter: After = (ms, run) => {
  const timer = setTimeout(run, ms);
  timer.unref();
  return () => clearTimeout(timer);
};

/** What `work` settles as, or a rejection after `ms`. What it does later is nobody's business any more. */
export function within<T>(after: After, ms: number, what: string, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = after(ms, () => reject(new Error(`${what} did not end within ${ms / 1_000} s`)));
    work.then(resolve, reject).finally(cancel);
  });
}

/** Resolves after `ms`, or as soon as the signal aborts. */
export function pause(after: After, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = after(ms, done);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
