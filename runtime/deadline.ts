// How long a call may take, measured by a clock that is given.

import { systemClock, type Timers } from "./clock.ts";

/** `signal` is aborted with a TimeoutError when the time is up; `cancel` stops the timer. */
export type Deadline = { readonly signal: AbortSignal; readonly cancel: () => void };
export type MakeDeadline = (ms: number) => Deadline;

/** By the machine's own clock. */
export const machineDeadline: MakeDeadline = (ms) => deadlineBy(systemClock, ms);

export function deadlineBy(clock: Timers, ms: number): Deadline {
  const late = new AbortController();
  const cancel = clock.after(ms, () => late.abort(new DOMException("It took too long.", "TimeoutError")));
  return { signal: late.signal, cancel };
}

/** What `work` settles as, or a rejection that names `what` after `ms`. What `work` does later is ignored. */
export function within<T>(clock: Timers, ms: number, what: string, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(new Error(`${what} did not end within ${ms / 1_000} s`)));
    work.then(resolve, reject).finally(cancel);
  });
}
