// Calls to the task-agent that must get through: repeated while the link is down, woken together when it is back.

import { backoffMs } from "@gantry/runtime/backoff.ts";
import { type Cancel, pause } from "@gantry/runtime/clock.ts";
import type { CallOptions, RunnerClient } from "@gantry/wire/runner/runner-client.ts";
import { isCode, isRetryable, type RunnerDeps } from "../ports.ts";
import type { Session } from "./session.ts";

export type LinkCall<T> = (client: RunnerClient, session: string, options: CallOptions) => Promise<T>;

export type LinkOptions = {
  readonly signal: AbortSignal;
  /** Give up after so many failures; default: never. */
  readonly tries?: number;
  /** The agent lacks something that the call builds on: make up for it before the call is repeated. */
  readonly onConflict?: () => void;
};

export type Link = {
  /**
   * Repeats the call until the agent has answered it. Throws what the agent refuses for good (`lease-lost`,
   * `offer-gone`, `bad-request`, …), `session-gone` when a newer process took over, and the signal's reason.
   */
  readonly call: <T>(call: LinkCall<T>, options: LinkOptions) => Promise<T>;
  /** One try, without repeating anything but a session that is gone. */
  readonly once: <T>(call: LinkCall<T>, options: CallOptions & { readonly signal: AbortSignal }) => Promise<T>;
};

const BACKOFF = { firstMs: 200, maxMs: 15_000, jitter: "full" } as const;

export function createLink(
  client: RunnerClient,
  session: Session,
  deps: Pick<RunnerDeps, "clock" | "random" | "logger">,
): Link {
  const sleepers = new Set<() => void>();
  const onWake = (wake: () => void): Cancel => {
    sleepers.add(wake);
    return () => void sleepers.delete(wake);
  };

  const attempt = async <T>(call: LinkCall<T>, options: CallOptions & { signal: AbortSignal }): Promise<T> => {
    const id = await session.id(options.signal);
    try {
      const answer = await call(client, id, options);
      for (const wake of [...sleepers]) wake();
      return answer;
    } catch (error) {
      if (isCode(error, "session-gone")) session.gone(id);
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
          // A session that is gone is opened again at once; only when that does not help is there something to wait for.
          if (isCode(error, "session-gone") && failures === 1) continue;
          deps.logger.debug({ err: error, failures }, "the task-agent did not answer; trying again");
          await pause(deps.clock, backoffMs(BACKOFF, failures, deps.random()), signal, onWake);
          signal.throwIfAborted();
        }
      }
    },
  };
}

/** `unauthenticated` too: a token may be renewed while the runner runs, and leases end by themselves. */
function isTransient(error: unknown): boolean {
  return isRetryable(error) || isCode(error, "session-gone", "unauthenticated", "internal");
}
