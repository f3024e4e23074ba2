// The runner's session with the task-agent: opened when it is needed, shared by all calls, opened again when it is gone.

import { backoffMs } from "@gantry/runtime/backoff.ts";
import { pause } from "@gantry/runtime/clock.ts";
import type { SessionReply, SessionRequest } from "@gantry/wire/runner/protocol.ts";
import type { RunnerClient } from "@gantry/wire/runner/runner-client.ts";
import { isCode, type RunnerDeps, untilAborted } from "../ports.ts";

export type Session = {
  /** The current session; waits until there is one. Rejects when the signal is aborted, or with `session-gone` at the end. */
  readonly id: (signal: AbortSignal) => Promise<string>;
  /** Is there one now, as far as is known? */
  readonly isOpen: () => boolean;
  /** Somebody was told that this session is gone. */
  readonly gone: (id: string) => void;
};

export type SessionOptions = {
  readonly client: RunnerClient;
  readonly deps: Pick<RunnerDeps, "clock" | "random" | "logger">;
  /** What this process is and holds, at this moment. */
  readonly describe: () => SessionRequest;
  readonly onDirectives: (directives: SessionReply["directives"]) => void;
  /** A newer process of the same runner has taken over: nothing of this one counts any more. */
  readonly onSuperseded: () => void;
  readonly signal: AbortSignal;
};

const BACKOFF = { firstMs: 200, maxMs: 15_000, jitter: "full" } as const;

export function createSession(options: SessionOptions): Session {
  let current: Promise<string> | undefined;
  let isOpen = false;
  return {
    isOpen: () => isOpen,
    id: (signal) => {
      if (!current) {
        current = open(options);
        // Whoever waits for it sees the failure; nobody may wait at this moment.
        current.then(
          () => {
            isOpen = true;
          },
          () => {},
        );
      }
      return untilAborted(current, signal);
    },
    gone: (id) => {
      const gone = current;
      gone?.then(
        (known) => {
          if (known !== id || current !== gone) return;
          current = undefined;
          isOpen = false;
        },
        () => {},
      );
    },
  };
}

async function open({ client, deps, describe, onDirectives, onSuperseded, signal }: SessionOptions): Promise<string> {
  for (let failures = 1; ; failures += 1) {
    try {
      const reply = await client.session(describe(), { signal });
      deps.logger.info({ session: reply.session, protocol: reply.protocol ?? 1 }, "session opened");
      onDirectives(reply.directives);
      return reply.session;
    } catch (error) {
      signal.throwIfAborted();
      if (isCode(error, "session-gone")) {
        deps.logger.error({}, "a newer process of this runner has taken over");
        onSuperseded();
        throw error;
      }
      const wait = backoffMs(BACKOFF, failures, deps.random());
      deps.logger.warn({ err: error, retry_in_ms: Math.round(wait) }, "no session with the task-agent");
      await pause(deps.clock, wait, signal);
      signal.throwIfAborted();
    }
  }
}
