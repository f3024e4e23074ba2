// Calls to the task-agent that must get through: they are repeated while the task-agent is unreachable, and all at once when
// it answers again.

import { backoffMs } from "@gantry/runtime/backoff.ts";
import { type Cancel, pause } from "@gantry/runtime/clock.ts";
import type { CallOptions, RunnerClient } from "@gantry/wire/runner/runner-client.ts";
import { isCode, isRetryable, type RunnerDeps } from "../ports.ts";
import type { RefusalWatch } from "./refusals.ts";
import type { Session } from "./session.ts";

export type LinkCall<T> = (client: RunnerClient, session: string, options: CallOptions) => Promise<T>;

export type LinkOptions = {
  readonly signal: AbortSignal;
  /** Give up after this many failures; default: never. */
  readonly tries?: number;
  /** Called when the task-agent lacks something that the call depends on: must supply it before the call is repeated. */
  readonly onConflict?: () => void;
};

export type Link = {
  /**
   * Repeats the call until the task-agent has answered it. Throws permanent refusals (`lease-lost`, `offer-gone`,
   * `bad-request`, …), `session-gone` when a newer process took over, and the signal's reason.
   */
  readonly call: <T>(call: LinkCall<T>, options: LinkOptions) => Promise<T>;
  /** One try; it is repeated only if the session was gone. */
  readonly once: <T>(call: LinkCall<T>, options: CallOptions & { readonly signal: AbortSignal }) => Promise<T>;
};

/** The longest time that a runner stays away after a restart of the task-agent. */
const BACKOFF = { firstMs: 200, maxMs: 5_000, jitter: "full" } as const;

export function createLink(
  client: RunnerClient,
  session: Session,
  refusals: RefusalWatch,
  deps: Pick<RunnerDeps, "clock" | "random" | "logger">,
): Link {
  const waiting = new Set<() => void>();
  const onWake = (wake: () => void): Cancel => {
    waiting.add(wake);
    return () => void waiting.delete(wake);
  };

  const attempt = async <T>(call: LinkCall<T>, options: CallOptions & { signal: AbortSignal }): Promise<T> => {
    const id = await session.id(options.signal);
    try {
      const answer = await refusals.watch(call(client, id, options));
      for (const wake of [...waiting]) wake();
      return answer;
    } catch (error) {
      if (isCode(error, "session-gone")) session.onGone(id);
      throw error;
    }
  };

  return {
    once: async (call, options) => {
      try {
        return await attempt(call, options);
      } catch (error) {
        if (!isCode(error, "session-gone")) throw error;
        return attempt(call, options);
      }
    },
    call: async (call, { signal, tries = Number.POSITIVE_INFINITY, onConflict }) => {
      for (let failures = 1; ; failures += 1) {
        try {
          return await attempt(call, { signal });
        } catch (error) {
          signal.throwIfAborted();
          if (!isTransient(error) || failures >= tries) throw error;
          if (isCode(error, "conflict")) onConflict?.();
          // A session that is gone is reopened at once; only when that does not help, the next try waits.
          if (isCode(error, "session-gone") && failures === 1) continue;
          deps.logger.debug({ err: error, failures }, "a call to the task-agent failed; trying again");
          await pause(deps.clock, backoffMs(BACKOFF, failures, deps.random()), signal, onWake);
          signal.throwIfAborted();
        }
      }
    },
  };
}

/**
 * Includes `unauthenticated`: tokens are rotated while the runner runs, and refusals.ts ends a runner that is refused
 * permanently.
 */
function isTransient(error: unknown): boolean {
  return isRetryable(error) || isCode(error, "session-gone", "unauthenticated", "internal");
}
