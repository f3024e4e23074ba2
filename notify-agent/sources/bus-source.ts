// Events from the bus instead of the feed. Deliveries, and which events they were decided on, are one append; only then is
// the bus told that the events are handled. What comes again is known by its task and its number there, also after a
// restart.

import { createHash } from "node:crypto";
import type { JsonValue } from "@gantry/core/json.ts";
import type { StreamAppend } from "@gantry/journal/journal.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import type { BusMessage, EventBus } from "@gantry/wire/bus/bus.ts";
import { decodeEvent } from "@gantry/wire/bus/event-codec.ts";
import type { Delivery } from "../deliveries/delivery.ts";
import { type NewDeliveriesDeps, newDeliveries, recordNewDeliveries } from "../deliveries/new-deliveries.ts";
import { isSeen, type Seen, withSeen } from "./decide-seen.ts";

export type BusSourceDeps = NewDeliveriesDeps & {
  readonly bus: Pick<EventBus, "consume">;
  readonly group: string;
  /** Called after deliveries were recorded, in their order. */
  readonly onRecorded: (deliveries: readonly Delivery[]) => void;
  /** Called after an error: an append that was not answered may have recorded deliveries that nobody was told of. */
  readonly takeUp: () => Promise<unknown>;
  /** For metrics: how far the events were read. */
  readonly onFeed: (up: boolean, seq: number) => void;
};

export type BusSource = { readonly stop: () => Promise<void> };

/** Reads until it is stopped. Several notify-agents of one group share the tasks among themselves. */
export function startBusSource(deps: BusSourceDeps): BusSource {
  let failed = false;
  return deps.bus.consume({
    group: deps.group,
    onDown: () => deps.onFeed(false, 0),
    handle: async (messages) => {
      try {
        if (failed) await deps.takeUp();
        await record(deps, messages);
        failed = false;
      } catch (error) {
        if (!failed) deps.logger.warn({ err: error }, "events could not be recorded; they come again");
        failed = true;
        throw error;
      }
    },
  });
}

async function record(deps: BusSourceDeps, messages: readonly BusMessage[]): Promise<void> {
  const { journal, logger } = deps;
  const read = messages.map(decodeEvent);
  const events = read.filter((event) => event !== undefined);
  if (events.length < read.length)
    logger.warn(
      { messages: read.length - events.length },
      "messages on the topic are none of Gantry's and were passed over",
    );

  const seen = new Map<string, Seen>();
  const unseen: FeedEvent[] = [];
  for (const event of events) {
    const { task } = event.data;
    const before = seen.get(task) ?? (await loadSeen(deps, task));
    if (!isSeen(before, event.taskseq)) unseen.push(event);
    seen.set(task, withSeen(before, event.taskseq));
  }
  const last = events.at(-1)?.seq;
  if (last !== undefined) deps.onFeed(true, last);
  if (unseen.length === 0) return;

  const fresh = await newDeliveries(deps, unseen);
  const result = await journal.append([...seenAppends(seen), ...recordNewDeliveries(fresh)]);
  if (!result.ok) throw new Error(`the journal has another version of ${result.conflict}: ${result.version}`);
  if (fresh.length > 0) deps.onRecorded(fresh);
}

async function loadSeen({ journal }: BusSourceDeps, task: string): Promise<Seen> {
  const loaded = await journal.load(seenStream(task));
  return loaded === undefined ? [] : (loaded.snapshot as unknown as Seen);
}

/** Only a snapshot: what was seen is state, and nobody asks for its history. */
function seenAppends(seen: ReadonlyMap<string, Seen>): readonly StreamAppend[] {
  return [...seen].map(([task, ranges]) => ({
    stream: seenStream(task),
    expected: 0,
    events: [],
    snapshot: ranges as unknown as JsonValue,
  }));
}

/** A message may name any text as its task; the name of a stream may not be any. */
function seenStream(task: string): string {
  return `seen/${createHash("sha256").update(task).digest("hex")}`;
}
