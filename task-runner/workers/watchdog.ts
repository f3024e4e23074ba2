// The timers that detect a blocked worker thread.

import type { Clock } from "@gantry/runtime/clock.ts";
import type { WorkerThreadClient } from "./worker-thread-client.ts";

export type Watchdog = {
  /** Pings the thread once. Calls `onSilent` when no pong arrives within `ms`. */
  readonly ping: (ms: number, onSilent: () => void) => void;
  /** Pings the thread repeatedly: a step may receive its stop signal and block the thread afterwards. */
  readonly pingRepeatedly: (ms: number, onSilent: () => void) => void;
  readonly onPong: (id: number) => void;
  /** The timer of the running step. undefined cancels it. */
  readonly setStepTimer: (ms: number | undefined, onTimeout: () => void) => void;
  /** The timer for the end of the whole job after a stop. The last call counts. */
  readonly setEndTimer: (ms: number, onTimeout: () => void) => void;
  /** Cancels all timers. */
  readonly close: () => void;
};

const PING_EVERY_MS = 500;

export function createWatchdog(thread: Pick<WorkerThreadClient, "post">, clock: Clock): Watchdog {
  const pending = new Map<number, { readonly cancel: () => void; readonly onPong: () => void }>();
  let lastId = 0;
  let cancelStep = (): void => {};
  let cancelEnd = (): void => {};
  let cancelNext = (): void => {};

  const send = (ms: number, onSilent: () => void, onPong: () => void): void => {
    lastId += 1;
    pending.set(lastId, { cancel: clock.after(ms, onSilent), onPong });
    thread.post({ kind: "ping", id: lastId });
  };
  const pingRepeatedly = (ms: number, onSilent: () => void): void => {
    cancelNext();
    send(ms, onSilent, () => {
      cancelNext();
      cancelNext = clock.after(PING_EVERY_MS, () => pingRepeatedly(ms, onSilent));
    });
  };
  return {
    ping: (ms, onSilent) => send(ms, onSilent, () => {}),
    pingRepeatedly,
    onPong: (id) => {
      const ping = pending.get(id);
      pending.delete(id);
      ping?.cancel();
      ping?.onPong();
    },
    setStepTimer: (ms, onTimeout) => {
      cancelStep();
      cancelStep = ms === undefined ? () => {} : clock.after(ms, onTimeout);
    },
    setEndTimer: (ms, onTimeout) => {
      cancelEnd();
      cancelEnd = clock.after(ms, onTimeout);
    },
    close: () => {
      cancelStep();
      cancelEnd();
      cancelNext();
      for (const { cancel } of pending.values()) cancel();
      pending.clear();
    },
  };
}
