// Keeps the definitions of this agent up to date: with the folder, with git, and with what other agents put in force.

import { type Clock, pause } from "@gantry/runtime/clock.ts";

export type FollowedDefinitions = {
  readonly clock: Clock;
  /** Called one after the other, every second. */
  readonly ticks: readonly (() => Promise<void>)[];
  /** Called once per outage. */
  readonly onError: (error: unknown) => void;
};

const EVERY_MS = 1_000;

/** Returns at once. `stop` resolves when no work is in progress any more. */
export function followDefinitions({ clock, ticks, onError }: FollowedDefinitions): { stop: () => Promise<void> } {
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
