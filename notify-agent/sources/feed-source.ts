import type { Loaded } from "@gantry/journal/journal.ts";
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
  /** Called after an error: an append that was not answered may have recorded deliveries that nobody was told of. */
  readonly takeUp: () => Promise<unknown>;
  /** For metrics: does the feed answer, and how far was it read. */
  readonly onFeed: (up: boolean, seq: number) => void;
};

export type FeedSource = { readonly stop: () => Promise<void> };

const CURSOR = "cursor/feed";
const PAGE = 100;
/** So far the kept place may be behind what was read: nobody waits for it, and what is read twice asks for nothing new. */
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
      if (failures > 0) await deps.takeUp();
      await follow(deps, stopping, () => {
        if (failures > 0) deps.logger.info({}, "the feed of the task-agent is back");
        failures = 0;
      });
    } catch (error) {
      if (stopping.aborted) return;
      failures += 1;
      deps.onFeed(false, 0);
      // Once, and not for every try: an outage of hours must not bury everything else.
      if (failures === 1) deps.logger.warn({ err: error }, "the feed cannot be read; it is tried again until it can");
      await pause(deps.clock, backoffMs(BACKOFF, failures, deps.random()), stopping);
    }
  }
}

/** How far the feed was read, and the cursor in the journal, which may be behind. */
type Place = { readonly after: number; readonly kept: Loaded | undefined };

/** Reads page after page until one is empty: then it is time to look whether the feed is still the same one. */
async function follow(deps: FeedSourceDeps, stopping: AbortSignal, onAnswer: () => void): Promise<void> {
  let place = placeOf(await deps.journal.load(CURSOR));
  const newest = await deps.agent.feed({ limit: 1 }, { signal: stopping });
  onAnswer();
  if (newest.last < place.after) {
    deps.logger.warn({ read: place.after, newest: newest.last }, "the feed begins anew; it is read from its start");
    place = await record(deps, place.kept, [], 0);
  }
  while (!stopping.aborted) {
    const { after } = place;
    const page = await deps.agent.feed({ after, limit: PAGE, waitMs: WAIT_MS }, { signal: stopping });
    onAnswer();
    deps.onFeed(true, page.last);
    const isIdle = page.last === after && page.events.length === 0;
    const fresh = await newDeliveries(deps, page.events);
    const behind = page.last - placeOf(place.kept).after;
    if (fresh.length === 0 && behind < (isIdle ? 1 : BEHIND)) place = { ...place, after: page.last };
    else place = await record(deps, place.kept, fresh, page.last);
    if (isIdle) return;
  }
}

/** One append: the deliveries that events ask for and that are not known yet, and the place after them. */
async function record(
  deps: FeedSourceDeps,
  kept: Loaded | undefined,
  fresh: readonly Delivery[],
  last: number,
): Promise<Place> {
  const version = kept?.version ?? 0;
  const snapshot = { after: last };
  const result = await deps.journal.append([
    { stream: CURSOR, expected: version, events: [{ kind: "FeedRead", after: last }], snapshot },
    ...recordNewDeliveries(fresh),
  ]);
  // Nobody else writes here; going on from what the journal says is right in any case.
  if (!result.ok) throw new Error(`the journal has another version of ${result.conflict}: ${result.version}`);
  if (fresh.length > 0) deps.onRecorded(fresh);
  return placeOf({ version: version + 1, snapshot });
}

function placeOf(kept: Loaded | undefined): Place {
  return { after: kept === undefined ? 0 : (kept.snapshot as { readonly after: number }).after, kept };
}
