// How long a call may take, measured by a clock that is given.

/** `signal` is aborted with a TimeoutError when the time is up; `cancel` takes the timer back. */
export type Deadline = { readonly signal: AbortSignal; readonly cancel: () => void };
export type MakeDeadline = (ms: number) => Deadline;

/** By the machine's own clock. Its timers do not keep a process alive. */
export const machineDeadline: MakeDeadline = (ms) => ({ signal: AbortSignal.timeout(ms), cancel: () => {} });

export function deadlineBy(
  clock: { readonly after: (ms: number, run: () => void) => () => void },
  ms: number,
): Deadline {
  const late = new AbortController();
  const cancel = clock.after(ms, () => late.abort(new DOMException("It took too long.", "TimeoutError")));
  return { signal: late.signal, cancel };
}
