// Reads the task-agent's feed once for all clients. The newest events stay in memory; every open stream reads them from
// there with its own cursor, so a slow client costs only its cursor.

import { backoffMs } from "@gantry/runtime/backoff.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { pause } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { AgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { decideBuffer, EMPTY_BUFFER, type EventBuffer } from "./decide-buffer.ts";

export type Hub = {
  /** Starts to read the feed; `close` stops it. */
  readonly start: () => void;
  /** Number of the newest event; undefined until the feed has answered for the first time. */
  readonly last: () => number | undefined;
  /** Whether the feed answers at present. Streams pass it on to the browser, which must not show old state as current. */
  readonly isUp: () => boolean;
  /** The buffered events after a number, or undefined when some of them are not in the buffer. */
  readonly since: (seq: number) => readonly FeedEvent[] | undefined;
  /** Resolves when something has changed since `version`, or after `ms`, or when the signal aborts. */
  readonly wait: (version: number, ms: number, signal: AbortSignal) => Promise<void>;
  /** Grows whenever the results of the other calls change. */
  readonly version: () => number;
  /** The event as JSON, serialised once for all streams. */
  readonly text: (event: FeedEvent) => string;
  readonly close: () => Promise<void>;
};

export type HubOptions = {
  readonly agent: AgentClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Events that stay in memory. */
  readonly maxEvents: number;
  /** Called after every page of the feed, and when the feed stops answering. */
  readonly onFeed?: (up: boolean, seq: number) => void;
  /** Called with the events of every page. */
  readonly onEvents?: (events: readonly FeedEvent[]) => void;
};

type HubState = { buffer: EventBuffer; up: boolean; version: number; readonly waiters: Set<() => void> };

const POLL_MS = 20_000;
/** Streams that are woken in one turn of the event loop. Other requests are served between two turns. */
const WOKEN_PER_TURN = 50;
const PAGE = 500;
const BACKOFF = { firstMs: 100, maxMs: 5_000, jitter: "none" } as const;

export function makeHub(options: HubOptions): Hub {
  const closing = new AbortController();
  const texts = new WeakMap<FeedEvent, string>();
  const state: HubState = { buffer: EMPTY_BUFFER, up: false, version: 0, waiters: new Set() };
  let running: Promise<void> = Promise.resolve();
  return {
    start: () => {
      running = readFeed(options, state, closing.signal);
    },
    last: () => state.buffer.last,
    isUp: () => state.up,
    since: (seq) => {
      const { events, floor, last } = state.buffer;
      if (last === undefined || seq < floor) return undefined;
      return events.slice(events.findLastIndex((event) => event.seq <= seq) + 1);
    },
    version: () => state.version,
    text: (event) => {
      const text = texts.get(event) ?? JSON.stringify(event);
      texts.set(event, text);
      return text;
    },
    wait: async (version, ms, signal) => {
      if (state.version !== version || signal.aborted) return;
      await pause(options.clock, ms, signal, (wake) => {
        state.waiters.add(wake);
        return () => state.waiters.delete(wake);
      });
    },
    close: async () => {
      closing.abort();
      await running;
    },
  };
}

/** Reads page after page until the signal aborts. After an error it tries again, with growing pauses. */
async function readFeed(options: HubOptions, state: HubState, closing: AbortSignal): Promise<void> {
  let failures = 0;
  while (!closing.aborted) {
    try {
      await readPage(options, state, closing);
      failures = 0;
    } catch (error) {
      if (closing.aborted) return;
      if (state.up || failures === 0) options.logger.warn({ err: error }, "the feed of the task-agent does not answer");
      if (state.up) {
        state.up = false;
        changed(options, state);
      }
      failures += 1;
      await pause(options.clock, backoffMs(BACKOFF, failures), closing);
    }
  }
}

async function readPage(options: HubOptions, state: HubState, signal: AbortSignal): Promise<void> {
  const { last } = state.buffer;
  // After an outage the hub asks for the newest number first, to detect a feed that was replaced.
  const isPosition = !state.up;
  const query = last === undefined || isPosition ? { limit: PAGE } : { after: last, limit: PAGE, waitMs: POLL_MS };
  const page = await options.agent.feed(query, { signal });
  const next = decideBuffer(state.buffer, page, { isPosition, maxEvents: options.maxEvents });
  const hasChanged = next !== state.buffer || isPosition;
  state.buffer = next;
  state.up = true;
  options.onEvents?.(page.events);
  if (hasChanged) changed(options, state);
}

function changed({ onFeed }: HubOptions, state: HubState): void {
  state.version += 1;
  onFeed?.(state.up, state.buffer.last ?? 0);
  wakeSome([...state.waiters]);
}

function wakeSome(waiters: readonly (() => void)[]): void {
  for (const wake of waiters.slice(0, WOKEN_PER_TURN)) wake();
  if (waiters.length > WOKEN_PER_TURN) setImmediate(wakeSome, waiters.slice(WOKEN_PER_TURN));
}
