// Reads the task-agent's feed once, for everybody: the newest events are kept in memory, and every open stream reads
// them from there with a cursor of its own. A slow reader therefore holds nothing but its cursor.

import { backoffMs } from "@gantry/runtime/backoff.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { pause } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { AgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { decideKeep, type Kept, NOTHING_KEPT } from "./decide-keep.ts";

export type Hub = {
  /** Begins to read; `close` ends it. */
  readonly start: () => void;
  /** Number of the newest event that was read; undefined until the feed has answered for the first time. */
  readonly last: () => number | undefined;
  /** Does the feed answer at present? Streams tell it to the browser, which must not show old state as fresh. */
  readonly isUp: () => boolean;
  /** Kept events after a number, or undefined when some of them are no longer (or not yet) kept. */
  readonly since: (seq: number) => readonly FeedEvent[] | undefined;
  /** Resolves when something has changed since `version`, or after `ms`, or when the signal aborts. */
  readonly wait: (version: number, ms: number, signal: AbortSignal) => Promise<void>;
  /** Grows with every change of what the other calls answer. */
  readonly version: () => number;
  /** The event as JSON, made once for all streams. */
  readonly text: (event: FeedEvent) => string;
  readonly close: () => Promise<void>;
};

export type HubOptions = {
  readonly agent: AgentClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly keep: number;
  /** Told after every answer of the feed, and when it stops answering. */
  readonly onFeed?: (up: boolean, seq: number) => void;
};

const POLL_MS = 20_000;
/** So many streams are woken in one turn of the event loop: other requests come between, and the first hear at once. */
const WOKEN_AT_ONCE = 50;
const PAGE = 500;
const BACKOFF = { firstMs: 100, maxMs: 5_000, jitter: "none" } as const;

export function makeHub(options: HubOptions): Hub {
  const { agent, clock, logger } = options;
  const closing = new AbortController();
  const waiters = new Set<() => void>();
  const texts = new WeakMap<FeedEvent, string>();
  let kept: Kept = NOTHING_KEPT;
  let up = false;
  let version = 0;
  let running: Promise<void> = Promise.resolve();

  const changed = (): void => {
    version += 1;
    options.onFeed?.(up, kept.last ?? 0);
    wakeSome([...waiters]);
  };

  const readOnce = async (): Promise<void> => {
    const call = { signal: closing.signal };
    const { last } = kept;
    const page = await agent.feed(
      last === undefined || !up ? { limit: PAGE } : { after: last, limit: PAGE, waitMs: POLL_MS },
      call,
    );
    // After an outage the first question is where the feed stands: a feed that went back is another feed.
    const next = decideKeep(kept, page, { isPosition: !up, keep: options.keep });
    const isNews = next !== kept || !up;
    kept = next;
    up = true;
    if (isNews) changed();
  };

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!closing.signal.aborted) {
      try {
        await readOnce();
        failures = 0;
      } catch (error) {
        if (closing.signal.aborted) return;
        if (up || failures === 0) logger.warn({ err: error }, "the feed of the task-agent does not answer");
        if (up) {
          up = false;
          changed();
        }
        failures += 1;
        await pause(clock, backoffMs(BACKOFF, failures), closing.signal);
      }
    }
  };

  return {
    start: () => {
      running = run();
    },
    last: () => kept.last,
    isUp: () => up,
    since: (seq) => {
      if (kept.last === undefined || seq < kept.floor) return undefined;
      const from = kept.events.findLastIndex((event) => event.seq <= seq);
      return kept.events.slice(from + 1);
    },
    version: () => version,
    text: (event) => {
      const text = texts.get(event) ?? JSON.stringify(event);
      texts.set(event, text);
      return text;
    },
    wait: async (seen, ms, signal) => {
      if (version !== seen || signal.aborted) return;
      await pause(clock, ms, signal, (wake) => {
        waiters.add(wake);
        return () => waiters.delete(wake);
      });
    },
    close: async () => {
      closing.abort();
      await running;
    },
  };
}

function wakeSome(waiters: readonly (() => void)[]): void {
  for (const wake of waiters.slice(0, WOKEN_AT_ONCE)) wake();
  if (waiters.length > WOKEN_AT_ONCE) setImmediate(wakeSome, waiters.slice(WOKEN_AT_ONCE));
}
