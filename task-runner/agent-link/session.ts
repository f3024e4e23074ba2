// The runner's session with the task-agent: opened when it is needed, shared by all calls, reopened when it is gone.

import { backoffMs } from "@gantry/runtime/backoff.ts";
import { pause } from "@gantry/runtime/clock.ts";
import type { SessionReply, SessionRequest } from "@gantry/wire/runner/protocol.ts";
import type { RunnerClient } from "@gantry/wire/runner/runner-client.ts";
import { isCode, type RunnerDeps, untilAborted } from "../ports.ts";
import type { RefusalWatch } from "./refusals.ts";

export type Session = {
  /**
   * The current session; waits until there is one. Rejects when the signal is aborted, and with `session-gone` when a newer
   * process of this runner has taken over.
   */
  readonly id: (signal: AbortSignal) => Promise<string>;
  /** Whether there is a session now, as far as is known. */
  readonly isOpen: () => boolean;
  /** The task-agent has answered that this session is gone. */
  readonly onGone: (id: string) => void;
};

export type SessionOptions = {
  readonly client: RunnerClient;
  readonly deps: Pick<RunnerDeps, "clock" | "random" | "logger">;
  readonly refusals: RefusalWatch;
  /** What this process is and which attempts it has, at this moment. */
  readonly describe: () => SessionRequest;
  readonly onDirectives: (directives: SessionReply["directives"]) => void;
  /** A newer process of the same runner has taken over: the task-agent accepts nothing from this one any more. */
  readonly onSuperseded: () => void;
  readonly signal: AbortSignal;
};

/** The longest time that a runner stays away after a restart of the task-agent. */
const BACKOFF = { firstMs: 200, maxMs: 5_000, jitter: "full" } as const;

export function createSession(options: SessionOptions): Session {
  let current: Promise<string> | undefined;
  let isOpen = false;
  return {
    isOpen: () => isOpen,
    id: (signal) => {
      if (!current) {
        current = open(options);
        // Callers that wait for the session handle the failure; there may be none at this moment.
        current.then(
          () => {
            isOpen = true;
          },
          () => {},
        );
      }
      return untilAborted(current, signal);
    },
    onGone: (id) => {
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

async function open(options: SessionOptions): Promise<string> {
  const { client, refusals, deps, describe, onDirectives, onSuperseded, signal } = options;
  // An older task-agent refuses a field that it does not know.
  let isOlder = false;
  for (let failures = 1; ; failures += 1) {
    try {
      const { secrets, ...known } = describe();
      const request = isOlder || secrets === undefined ? known : { ...known, secrets };
      const reply = await refusals.watch(client.session(request, { signal }));
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
      isOlder ||= isCode(error, "bad-request");
      const wait = backoffMs(BACKOFF, failures, deps.random());
      deps.logger.warn({ err: error, retry_in_ms: Math.round(wait) }, "could not open a session with the task-agent");
      await pause(deps.clock, wait, signal);
      signal.throwIfAborted();
    }
  }
}
