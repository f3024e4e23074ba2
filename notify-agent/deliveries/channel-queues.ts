// All channels together: hands each delivery to its channel's queue, and takes up what an earlier process left.

import type { Channel } from "@gantry/core/notify/channel.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { openChannelQueue, type QueueDeps, recordChange } from "./channel-queue.ts";
import { type Delivery, deliveryStream, readDelivery } from "./delivery.ts";

export type ChannelQueues = {
  /**
   * Takes up what is pending in the journal and waits in no queue: at the start, and whenever that may have come about.
   * Answers how many.
   */
  readonly takeUp: () => Promise<number>;
  /** Deliveries that were just recorded; others than pending ones are ignored. */
  readonly add: (deliveries: readonly Delivery[]) => void;
  /** Sends what is due; for whoever has ended a pause. */
  readonly pump: () => void;
  readonly pending: () => ReadonlyMap<string, number>;
  readonly close: () => Promise<void>;
};

export function openChannelQueues(
  deps: QueueDeps & { readonly channels: ReadonlyMap<string, Channel> },
): ChannelQueues {
  const queues = new Map([...deps.channels].map(([name, channel]) => [name, openChannelQueue(deps, name, channel)]));
  const pumpAll = (): void => {
    for (const queue of queues.values()) queue.pump();
  };
  return {
    takeUp: async () => {
      let count = 0;
      for await (const delivery of pendingOf(deps.journal)) {
        const queue = queues.get(delivery.channel);
        if (!queue) await refuseUnknown(deps, delivery);
        else if (queue.add(delivery)) count += 1;
      }
      pumpAll();
      return count;
    },
    add: (deliveries) => {
      for (const delivery of deliveries) if (delivery.state === "pending") queues.get(delivery.channel)?.add(delivery);
      pumpAll();
    },
    pump: pumpAll,
    pending: () => new Map([...queues].map(([name, queue]) => [name, queue.length()])),
    close: async () => {
      await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}

/** Everything that is pending, also for channels that are gone from the configuration. */
async function* pendingOf(journal: Journal): AsyncGenerator<Delivery> {
  let after: string | undefined;
  while (true) {
    const page = await journal.find({ index: "pending", limit: 200, ...(after === undefined ? {} : { after }) });
    for (const item of page.items) yield readDelivery(item.snapshot);
    after = page.items.at(-1)?.key;
    if (page.cursor === undefined || after === undefined) return;
  }
}

async function refuseUnknown(deps: QueueDeps, delivery: Delivery): Promise<void> {
  const loaded = await deps.journal.load(deliveryStream(delivery.key));
  const problem = `the configuration has no channel ${delivery.channel} any more`;
  await recordChange(deps, { ...delivery, state: "refused", nextTryMs: null, problem }, loaded?.version ?? 0);
}
