// Work that is repeated every second, one piece after the other, until it is stopped.

import { type Clock, pause } from "./clock.ts";

export type Repeated = {
  readonly clock: Clock;
  /** Called one after the other, every second. */
  readonly ticks: readonly (() => Promise<void>)[];
  /** Called once per outage. */
  readonly onError: (error: unknown) => void;
};

const EVERY_MS = 1_000;

/** Returns at once. `stop` resolves when no work is in progress any more. */
export function repeat({ clock, ticks, onError }: Repeated): { stop: () => Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const run = async (): Promise<void> => {
    let isFailing = false;
    while (!signal.aborted) {
      try {
        for (const tick of ticks) await tick();
        isFailing = false;
      } catch (error) {
        if (!isFailing && !signal.aborted) onError(error);
        isFailing = true;
      }
      await pause(clock, EVERY_MS, signal);
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
