// The timers that detect a blocked worker thread.

import type { Cancel, Clock } from "@gantry/runtime/clock.ts";
import type { WorkerThreadClient } from "./worker-thread-client.ts";

export type Watchdog = {
  /** Pings the thread repeatedly: a step may receive its stop signal and block the thread afterwards. */
  readonly pingRepeatedly: (ms: number, onSilent: () => void) => void;
  /**
   * Watches the running step: from `limitMs` on, the thread is pinged repeatedly, and `onSilent` is called when a pong does
   * not come within `silentMs`. The last call counts; undefined: no step is watched.
   */
  readonly watchStep: (
    step: { readonly limitMs: number; readonly silentMs: number } | undefined,
    onSilent: () => void,
  ) => void;
  readonly onPong: (id: number) => void;
  /** The timer for the end of the whole job after a stop. The last call counts. */
  readonly setEndTimer: (ms: number, onTimeout: () => void) => void;
  /** Cancels all timers. */
  readonly close: () => void;
};

const PING_EVERY_MS = 500;

export function createWatchdog(thread: Pick<WorkerThreadClient, "post">, clock: Clock): Watchdog {
  const onPongs = new Map<number, () => void>();
  let lastId = 0;
  let cancelStop: Cancel = () => {};
  let cancelStep: Cancel = () => {};
  let cancelEnd: Cancel = () => {};

  const startPinging = (ms: number, onSilent: () => void): Cancel => {
    let cancelTimer: Cancel = () => {};
    let id = 0;
    const ping = (): void => {
      lastId += 1;
      id = lastId;
      cancelTimer = clock.after(ms, onSilent);
      onPongs.set(id, () => {
        cancelTimer();
        cancelTimer = clock.after(PING_EVERY_MS, ping);
      });
      thread.post({ kind: "ping", id });
    };
    ping();
    return () => {
      cancelTimer();
      onPongs.delete(id);
    };
  };
  return {
    pingRepeatedly: (ms, onSilent) => {
      cancelStop();
      cancelStop = startPinging(ms, onSilent);
    },
    watchStep: (step, onSilent) => {
      cancelStep();
      cancelStep = step
        ? clock.after(step.limitMs, () => {
            cancelStep = startPinging(step.silentMs, onSilent);
          })
        : () => {};
    },
    onPong: (id) => {
      const onPong = onPongs.get(id);
      onPongs.delete(id);
      onPong?.();
    },
    setEndTimer: (ms, onTimeout) => {
      cancelEnd();
      cancelEnd = clock.after(ms, onTimeout);
    },
    close: () => {
      cancelStop();
      cancelStep();
      cancelEnd();
    },
  };
}
