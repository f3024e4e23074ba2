// Follows the changes of the fleet once for all browsers. The newest ones stay in memory, and every stream reads them from there.

import { backoffMs } from "@gantry/runtime/backoff.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { AgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { FleetChanges } from "@gantry/wire/agent/fleet.ts";

export type FleetHub = {
  /** Starts to follow; `close` stops it. */
  readonly start: () => void;
  /** The newest cursor; undefined until the task-agent has answered for the first time. */
  readonly last: () => string | undefined;
  /** What came after a cursor, oldest first; undefined when it is not known here: everything must be read again. */
  readonly since: (cursor: string) => readonly FleetChanges[] | undefined;
  /** Resolves when `last` is another one, or after `ms`, or when the signal aborts. */
  readonly wait: (last: string | undefined, ms: number, signal: AbortSignal) => Promise<void>;
  readonly close: () => Promise<void>;
};

const KEPT = 500;
const POLL_MS = 20_000;
const BACKOFF = { firstMs: 200, maxMs: 10_000, jitter: "none" } as const;

export function makeFleetHub(options: {
  readonly agent: Pick<AgentClient, "fleetChanges">;
  readonly clock: Clock;
  readonly logger: Logger;
}): FleetHub {
  const { agent, clock, logger } = options;
  const closing = new AbortController();
  const waiting = new Set<() => void>();
  /** Each with the cursor after it. */
  let kept: FleetChanges[] = [];
  let running: Promise<void> = Promise.resolve();
  const add = (changes: FleetChanges): void => {
    if (changes.cursor === kept.at(-1)?.cursor) return;
    // What came before a reset cannot be continued.
    kept = changes.reset ? [changes] : [...kept, changes].slice(-KEPT);
    for (const wake of [...waiting]) wake();
  };
  const follow = async (): Promise<void> => {
    let failures = 0;
    while (!closing.signal.aborted) {
      try {
        const after = kept.at(-1)?.cursor;
        add(await agent.fleetChanges({ after, waitMs: after === undefined ? 0 : POLL_MS }, { signal: closing.signal }));
        failures = 0;
      } catch (error) {
        if (closing.signal.aborted) return;
        failures += 1;
        // Also a task-agent of an older version, which has no fleet.
        if (failures === 1)
          logger.info({ err: error }, "the changes of the fleet cannot be followed; it is tried again");
        await pause(clock, backoffMs(BACKOFF, failures), closing.signal);
      }
    }
  };
  return {
    start: () => {
      running = follow();
    },
    last: () => kept.at(-1)?.cursor,
    since: (cursor) => {
      const at = kept.findIndex((one) => one.cursor === cursor);
      return at < 0 ? undefined : kept.slice(at + 1);
    },
    wait: async (last, ms, signal) => {
      if (kept.at(-1)?.cursor !== last || signal.aborted) return;
      await pause(clock, ms, signal, (wake) => {
        waiting.add(wake);
        return () => waiting.delete(wake);
      });
    },
    close: async () => {
      closing.abort();
      await running;
    },
  };
}
