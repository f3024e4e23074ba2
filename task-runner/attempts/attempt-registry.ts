// The attempts of this runner and the slots that they take. A runner that cannot execute what it claims, because its disk
// is full or broken, takes no work for a while: otherwise it would claim the whole queue, job after job, and fail it.

import { backoffMs } from "@gantry/runtime/backoff.ts";
import { pause } from "@gantry/runtime/clock.ts";
import type { JobRef, SessionReply, SessionRequest } from "@gantry/wire/runner/protocol.ts";
import type { RunnerDeps } from "../ports.ts";
import type { Attempt } from "./attempt.ts";
import { refKey } from "./refs.ts";
import { canceled, DEFAULT_GRACE_MS, lost, type Stopped } from "./stop.ts";

export type AttemptRegistry = {
  readonly busy: () => number;
  /** Free slots; 0 during a cooldown. */
  readonly free: () => number;
  /** Aborted when a slot becomes free, or a cooldown ends; then a new signal takes its place. */
  readonly changed: () => AbortSignal;
  /** Reserves a slot for an attempt that may follow. The returned function releases it. */
  readonly reserve: () => () => void;
  /** Keeps an attempt until it is done. An attempt of a previous process takes no slot. */
  readonly keep: (attempt: Attempt, options: { readonly isPrevious: boolean }) => void;
  readonly has: (ref: JobRef) => boolean;
  readonly stop: (ref: JobRef, reason: Stopped) => void;
  readonly stopAll: (reason: Stopped) => void;
  /** The attempts to register a session with. */
  readonly running: () => SessionRequest["running"];
  readonly apply: (directives: SessionReply["directives"]) => void;
  /** Resolves when there are no attempts. */
  readonly allDone: () => Promise<void>;
};

const COOLDOWN = { firstMs: 5_000, maxMs: 60_000, jitter: "none" } as const;

/** `ended`: aborted when the runner ends, to end a cooldown. */
export function createAttemptRegistry(
  slots: number,
  deps: Pick<RunnerDeps, "clock" | "logger">,
  ended: AbortSignal,
): AttemptRegistry {
  const attempts = new Map<string, Attempt & { readonly isPrevious: boolean }>();
  let reserved = 0;
  let changed = new AbortController();
  const notify = (): void => {
    const before = changed;
    changed = new AbortController();
    before.abort();
  };
  const cooldown = createCooldown(deps, notify, ended);
  const busy = (): number => reserved + [...attempts.values()].filter((one) => !one.isPrevious).length;
  const stop = (ref: JobRef, reason: Stopped): void => attempts.get(refKey(ref))?.stop(reason);
  return {
    busy,
    free: () => (cooldown.isActive() ? 0 : slots - busy()),
    changed: () => changed.signal,
    reserve: () => {
      reserved += 1;
      return () => {
        reserved -= 1;
      };
    },
    keep: (attempt, { isPrevious }) => {
      const key = refKey(attempt.ref);
      attempts.set(key, { ...attempt, isPrevious });
      void attempt.done.then(() => {
        attempts.delete(key);
        if (attempt.isRunnerFailure()) void cooldown.begin();
        else if (!isPrevious) cooldown.reset();
        notify();
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
    apply: (directives) => {
      for (const { ref, do: directive } of directives) {
        if (directive === "drop") stop(ref, lost("The task-agent has given the job to another runner."));
        if (directive === "cancel") stop(ref, canceled("The task was canceled.", DEFAULT_GRACE_MS));
      }
    },
    allDone: async () => {
      while (attempts.size > 0) await Promise.all([...attempts.values()].map(({ done }) => done));
    },
  };
}

type Cooldown = {
  readonly isActive: () => boolean;
  /** Resolves when the cooldown is over. Does nothing while one is active. */
  readonly begin: () => Promise<void>;
  /** The next cooldown is a short one again. */
  readonly reset: () => void;
};

/** Each cooldown is twice as long as the one before, until an attempt could be executed. */
function createCooldown(
  { clock, logger }: Pick<RunnerDeps, "clock" | "logger">,
  onEnd: () => void,
  ended: AbortSignal,
): Cooldown {
  let isActive = false;
  let count = 0;
  return {
    isActive: () => isActive,
    begin: async () => {
      if (isActive) return;
      isActive = true;
      count += 1;
      const ms = backoffMs(COOLDOWN, count);
      logger.warn({ ms }, "this runner takes no work for a while, because it could not execute an attempt");
      // Only the end of the runner ends it early.
      await pause(clock, ms, ended);
      isActive = false;
      onEnd();
    },
    reset: () => {
      count = 0;
    },
  };
}
