// The queues of all channels: adds each delivery to the queue of its channel, or of its lane in the channel, and resumes what an
// earlier process left pending.

import type { Channel } from "@gantry/core/notify/channel.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { type ChannelQueue, openChannelQueue, type QueueDeps } from "./channel-queue.ts";
import { DELIVERY_STREAMS, type Delivery, streamIdOf } from "./delivery.ts";
import { recordChange } from "./send-attempt.ts";

export type ChannelQueues = {
  /**
   * Adds every delivery that is pending in the journal but in no queue: at startup, and after an error that may have left
   * some. Resolves to their number.
   */
  readonly resumePending: () => Promise<number>;
  /** Adds deliveries that have just been recorded. Those that are not pending are ignored. */
  readonly add: (deliveries: readonly Delivery[]) => void;
  /** Sends what is due, after a pause has ended. */
  readonly pump: () => void;
  /** How many deliveries of every channel are queued. */
  readonly pending: () => ReadonlyMap<string, number>;
  readonly close: () => Promise<void>;
};

export function openChannelQueues(
  deps: QueueDeps & { readonly channels: ReadonlyMap<string, Channel> },
): ChannelQueues {
  const queues = new Map<string, ChannelQueue>();
  const pumpAll = (): void => {
    for (const queue of queues.values()) queue.pump();
  };
  /** Undefined: the channel is no longer configured. */
  const queueOf = ({ channel: name, to }: Delivery): ChannelQueue | undefined => {
    const channel = deps.channels.get(name);
    if (!channel) return undefined;
    const lane = JSON.stringify([name, channel.lane?.(to ?? undefined)]);
    const known = queues.get(lane);
    if (known) return known;
    // Lanes are of hosts, and there is no end of those.
    for (const [other, { length }] of queues) if (length() === 0) queues.delete(other);
    const opened = openChannelQueue(deps, name, channel);
    queues.set(lane, opened);
    return opened;
  };
  return {
    resumePending: async () => {
      let count = 0;
      for await (const delivery of pendingOf(deps.journal)) {
        const queue = queueOf(delivery);
        if (!queue) await refuseUnknown(deps, delivery);
        else if (queue.add(delivery)) count += 1;
      }
      pumpAll();
      return count;
    },
    add: (deliveries) => {
      for (const delivery of deliveries) if (delivery.state === "pending") queueOf(delivery)?.add(delivery);
      pumpAll();
    },
    pump: pumpAll,
    pending: () => {
      const lengths = new Map([...deps.channels.keys()].map((name) => [name, 0]));
      for (const queue of queues.values()) lengths.set(queue.name, (lengths.get(queue.name) ?? 0) + queue.length());
      return lengths;
    },
    close: async () => {
      await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}

/** Every pending delivery, including those of channels that are no longer configured. */
async function* pendingOf(journal: Journal): AsyncGenerator<Delivery> {
  let after: string | undefined;
  while (true) {
    const page = await journal.find({ index: "pending", limit: 200, ...(after === undefined ? {} : { after }) });
    for (const item of page.items) yield DELIVERY_STREAMS.stateOf(item);
    after = page.items.at(-1)?.key;
    if (page.cursor === undefined || after === undefined) return;
  }
}

async function refuseUnknown(deps: QueueDeps, delivery: Delivery): Promise<void> {
  const loaded = await DELIVERY_STREAMS.load(deps.journal, streamIdOf(delivery.key));
  const problem = `the channel ${delivery.channel} is no longer configured`;
  await recordChange(deps, { ...delivery, state: "refused", nextTryMs: null, problem }, loaded?.version ?? 0);
}
