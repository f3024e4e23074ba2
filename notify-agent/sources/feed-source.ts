// Reads the feed of the task-agent page by page. The deliveries of a page and the position after it are one append, so no
// event is lost or processed twice.

import { defineStream } from "@gantry/journal/typed-stream.ts";
import { backoffMs } from "@gantry/runtime/backoff.ts";
import { pause } from "@gantry/runtime/clock.ts";
import type { AgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { Delivery } from "../deliveries/delivery.ts";
import { type NewDeliveriesDeps, newDeliveries, recordNewDeliveries } from "../deliveries/new-deliveries.ts";

export type FeedSourceDeps = NewDeliveriesDeps & {
  readonly agent: Pick<AgentClient, "feed">;
  readonly random: () => number;
  /** Called after deliveries were recorded, in their order. */
  readonly onRecorded: (deliveries: readonly Delivery[]) => void;
  /** Called after an error: an append with an unknown result may have recorded deliveries that are in no queue. */
  readonly resumePending: () => Promise<unknown>;
  /** For metrics: whether the feed answers, and how far it has been read. */
  readonly onFeed: (up: boolean, seq: number) => void;
};

export type FeedSource = { readonly stop: () => Promise<void> };

const CURSOR = defineStream<{ readonly after: number }>({ prefix: "cursor/feed" });

type Recorded = Awaited<ReturnType<typeof CURSOR.load>>;
const PAGE = 100;
/** Events without deliveries after which the position is recorded. Reading them twice after a crash does no harm. */
const BEHIND = 500;
const WAIT_MS = 25_000;
const BACKOFF = { firstMs: 500, maxMs: 30_000, jitter: "half" } as const;

export function startFeedSource(deps: FeedSourceDeps): FeedSource {
  const stopping = new AbortController();
  const running = run(deps, stopping.signal);
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

async function run(deps: FeedSourceDeps, stopping: AbortSignal): Promise<void> {
  let failures = 0;
  while (!stopping.aborted) {
    try {
      if (failures > 0) await deps.resumePending();
      await follow(deps, stopping, () => {
        if (failures > 0) deps.logger.info({}, "the feed of the task-agent answers again");
        failures = 0;
      });
    } catch (error) {
      if (stopping.aborted) return;
      failures += 1;
      deps.onFeed(false, 0);
      // Logged once per outage, because an outage of hours would fill the log.
      if (failures === 1) deps.logger.warn({ err: error }, "the feed of the task-agent cannot be read; retrying");
      await pause(deps.clock, backoffMs(BACKOFF, failures, deps.random()), stopping);
    }
  }
}

/** How far the feed has been read, and the position in the journal, which may be behind. */
type Position = { readonly after: number; readonly recorded: Recorded };

/** Reads page after page until one is empty; the caller then starts over and checks whether the feed was replaced. */
async function follow(deps: FeedSourceDeps, stopping: AbortSignal, onAnswer: () => void): Promise<void> {
  let position = positionOf(await CURSOR.load(deps.journal));
  const newest = await deps.agent.feed({ limit: 1 }, { signal: stopping });
  onAnswer();
  if (newest.last < position.after) {
    deps.logger.warn(
      { read: position.after, newest: newest.last },
      "the feed was replaced; reading it from the beginning",
    );
    position = await record(deps, position.recorded, [], 0);
  }
  while (!stopping.aborted) {
    const { after } = position;
    const page = await deps.agent.feed({ after, limit: PAGE, waitMs: WAIT_MS }, { signal: stopping });
    onAnswer();
    deps.onFeed(true, page.last);
    const isIdle = page.last === after && page.events.length === 0;
    const added = await newDeliveries(deps, page.events);
    const behind = page.last - positionOf(position.recorded).after;
    if (added.length === 0 && behind < (isIdle ? 1 : BEHIND)) position = { ...position, after: page.last };
    else position = await record(deps, position.recorded, added, page.last);
    if (isIdle) return;
  }
}

/** One append: the new deliveries and the position after their events. */
async function record(
  deps: FeedSourceDeps,
  recorded: Recorded,
  added: readonly Delivery[],
  last: number,
): Promise<Position> {
  const version = recorded?.version ?? 0;
  const state = { after: last };
  const result = await deps.journal.append([
    CURSOR.append("", { expected: version, events: [{ kind: "FeedRead", after: last }], state }),
    ...recordNewDeliveries(added),
  ]);
  // Nothing else writes this stream. After the error, reading resumes at the position in the journal.
  if (!result.ok) throw new Error(`the journal has another version of ${result.conflict}: ${result.version}`);
  if (added.length > 0) deps.onRecorded(added);
  return positionOf({ version: version + 1, state });
}

function positionOf(recorded: Recorded): Position {
  return { after: recorded?.state.after ?? 0, recorded };
}
