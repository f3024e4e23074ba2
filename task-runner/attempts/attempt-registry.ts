// The attempts that this runner has, and the slots that they take. A runner that cannot carry out what it takes (its disk
// is full or broken) takes nothing for a while: else it would take the whole queue, job after job, and fail it.

import { backoffMs } from "@gantry/runtime/backoff.ts";
import { pause } from "@gantry/runtime/clock.ts";
import type { JobRef, SessionReply, SessionRequest } from "@gantry/wire/runner/protocol.ts";
import type { RunnerDeps } from "../ports.ts";
import type { Attempt } from "./attempt.ts";
import { refKey } from "./refs.ts";
import { canceled, DEFAULT_GRACE_MS, lost, type Stopped } from "./stop.ts";

export type AttemptRegistry = {
  readonly busy: () => number;
  /** 0 while it rests. */
  readonly free: () => number;
  /** Aborted when a slot gets free, or a rest begins or ends; then there is a new one. */
  readonly changed: () => AbortSignal;
  /** Takes a slot for an attempt that may come. The answer gives it back. */
  readonly reserve: () => () => void;
  /** Keeps an attempt until it is done. One of a former process takes no slot. */
  readonly keep: (attempt: Attempt, options: { readonly isFormer: boolean }) => void;
  readonly has: (ref: JobRef) => boolean;
  readonly stop: (ref: JobRef, reason: Stopped) => void;
  readonly stopAll: (reason: Stopped) => void;
  /** For the registration of a session. */
  readonly running: () => SessionRequest["running"];
  readonly obey: (directives: SessionReply["directives"]) => void;
  /** Resolves when there is no attempt. */
  readonly allDone: () => Promise<void>;
};

const REST = { firstMs: 5_000, maxMs: 60_000, jitter: "none" } as const;

/** `ended`: nobody waits for the end of a rest any more. */
export function createAttemptRegistry(
  slots: number,
  { clock, logger }: Pick<RunnerDeps, "clock" | "logger">,
  ended: AbortSignal,
): AttemptRegistry {
  const attempts = new Map<string, Attempt & { readonly isFormer: boolean }>();
  let reserved = 0;
  let changed = new AbortController();
  let isResting = false;
  /** In a row: each is longer than the one before, while no attempt can be carried out. */
  let rests = 0;
  const tellChanged = (): void => {
    const before = changed;
    changed = new AbortController();
    before.abort();
  };
  const rest = async (): Promise<void> => {
    if (isResting) return;
    isResting = true;
    rests += 1;
    const ms = backoffMs(REST, rests);
    logger.warn({ ms }, "this runner takes no work for a while: it could not carry out what it took");
    // Only the end of the runner cuts it short.
    await pause(clock, ms, ended);
    isResting = false;
    tellChanged();
  };
  const busy = (): number => reserved + [...attempts.values()].filter((one) => !one.isFormer).length;
  const stop = (ref: JobRef, reason: Stopped): void => attempts.get(refKey(ref))?.stop(reason);
  return {
    busy,
    free: () => (isResting ? 0 : slots - busy()),
    changed: () => changed.signal,
    reserve: () => {
      reserved += 1;
      return () => {
        reserved -= 1;
      };
    },
    keep: (attempt, { isFormer }) => {
      const key = refKey(attempt.ref);
      attempts.set(key, { ...attempt, isFormer });
      void attempt.done.then(() => {
        attempts.delete(key);
        if (attempt.isRunnersFault()) void rest();
        else if (!isFormer) rests = 0;
        tellChanged();
      });
    },
    has: (ref) => attempts.has(refKey(ref)),
    stop,
    stopAll: (reason) => {
      for (const attempt of attempts.values()) attempt.stop(reason);
    },
    running: () => {
      const held = [...attempts.values()].filter((one) => one.isHeld);
      return held.map(({ ref, isStarted }) => ({ ref, started: isStarted() }));
    },
    obey: (directives) => {
      for (const { ref, do: directive } of directives) {
        if (directive === "drop") stop(ref, lost("The task-agent has given the job away."));
        if (directive === "cancel") stop(ref, canceled("The task was canceled.", DEFAULT_GRACE_MS));
      }
    },
    allDone: async () => {
      while (attempts.size > 0) await Promise.all([...attempts.values()].map(({ done }) => done));
    },
  };
}
