// The end of a runner: take no more work, wait for running jobs, stop the rest, close.

import type { GantryError } from "@gantry/core/errors.ts";
import type { RunnerDeps } from "./ports.ts";

export type CloseOptions = { readonly drainMs?: number };

export type Shutdown = {
  /** Aborted when no more work is taken. */
  readonly draining: AbortSignal;
  /** Aborted when running jobs must stop. */
  readonly cut: AbortSignal;
  /** Aborted when all attempts have ended. */
  readonly ended: AbortSignal;
  /** May be called repeatedly; the shortest time counts. */
  readonly close: (options?: CloseOptions) => Promise<void>;
  /** Like `close`, but `done` rejects with this error. The first error counts. */
  readonly fail: (why: GantryError, options: CloseOptions) => void;
  /** Resolves when the runner is closed; rejects with the error of `fail`. */
  readonly done: Promise<void>;
};

export type ShutdownOptions = {
  readonly clock: RunnerDeps["clock"];
  /** How long running jobs may continue by default. */
  readonly drainMs: () => number;
  /** Ends the attempts. Resolves when there are none any more. */
  readonly endWork: (cut: AbortSignal) => Promise<void>;
  /** Why calls are aborted at the end. */
  readonly reason: () => Error;
  /** Closes the rest. `wasCut`: work was cut off although the runner did not fail. */
  readonly closeAll: (wasCut: boolean) => Promise<void>;
};

export function createShutdown({ clock, drainMs, endWork, reason, closeAll }: ShutdownOptions): Shutdown {
  const [draining, cut, ended] = [new AbortController(), new AbortController(), new AbortController()];
  const done = Promise.withResolvers<void>();
  // The caller that started the runner may not listen.
  done.promise.catch(() => {});
  let failure: GantryError | undefined;
  let closed: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    draining.abort();
    await endWork(cut.signal);
    ended.abort(reason());
    await closeAll(cut.signal.aborted && !failure);
    if (failure) done.reject(failure);
    else done.resolve();
  };
  const close: Shutdown["close"] = (options = {}) => {
    const cancel = clock.after(options.drainMs ?? drainMs(), () => cut.abort());
    closed ??= run();
    return closed.finally(cancel);
  };
  const fail: Shutdown["fail"] = (why, options) => {
    failure ??= why;
    void close(options);
  };
  return { draining: draining.signal, cut: cut.signal, ended: ended.signal, close, fail, done: done.promise };
}
