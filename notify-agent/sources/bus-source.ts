// Reads events from the bus instead of the feed. The deliveries and the numbers of the processed events are one append; the
// events are committed to the bus only after it. A repeated event is detected by its task and its number in the task, also
// after a restart.

import { createHash } from "node:crypto";
import { defineStream } from "@gantry/journal/typed-stream.ts";
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
  /** Called after an error: an append with an unknown result may have recorded deliveries that are in no queue. */
  readonly resumePending: () => Promise<unknown>;
  /** For metrics: how far the events were read. */
  readonly onFeed: (up: boolean, seq: number) => void;
};

export type BusSource = { readonly stop: () => Promise<void> };

/** Reads until it is stopped. The notify-agents of one group share the tasks. */
export function startBusSource(deps: BusSourceDeps): BusSource {
  let failed = false;
  return deps.bus.consume({
    group: deps.group,
    onDown: () => deps.onFeed(false, 0),
    handle: async (messages) => {
      try {
        if (failed) await deps.resumePending();
        await record(deps, messages);
        failed = false;
      } catch (error) {
        if (!failed) deps.logger.warn({ err: error }, "events could not be recorded; they will be read again");
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
      "messages on the topic are not events of Gantry and were ignored",
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

  const added = await newDeliveries(deps, unseen);
  // Without events: only the current ranges matter, not their history.
  const seenAppends = [...seen].map(([task, state]) => SEEN.append(seenId(task), { expected: 0, state }));
  const result = await journal.append([...seenAppends, ...recordNewDeliveries(added)]);
  if (!result.ok) throw new Error(`the journal has another version of ${result.conflict}: ${result.version}`);
  if (added.length > 0) deps.onRecorded(added);
}

async function loadSeen({ journal }: BusSourceDeps, task: string): Promise<Seen> {
  return (await SEEN.load(journal, seenId(task)))?.state ?? [];
}

/** The processed events of a task, by their numbers in it. */
const SEEN = defineStream<Seen>({ prefix: "seen/" });

/** The task of a message may be any text; the name of a stream may not contain any characters. */
function seenId(task: string): string {
  return createHash("sha256").update(task).digest("hex");
}
