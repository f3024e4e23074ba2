// Sends what is pending: one queue per channel, one message at a time, each delivery with a patience of its own. Every
// try is recorded; after a crash the pending ones are sent again with the same key.

import type { Channel, SendResult } from "@gantry/core/notify/channel.ts";
import type { Clock } from "@gantry/journal/clock.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Logger } from "@gantry/wire/http.ts";
import { type DeliveryPolicy, decideDelivery } from "./decide-delivery.ts";
import { type Delivery, deliveryStream, messageOf, readDelivery, recordDelivery } from "./delivery.ts";

export type DelivererDeps = {
  readonly journal: Journal;
  readonly channels: ReadonlyMap<string, Channel>;
  readonly policy: DeliveryPolicy;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** After a try was recorded. */
  readonly onTried: (delivery: Delivery) => void;
};

export type Deliverer = {
  /** Takes up what is pending in the journal and in no queue: at the start, and whenever that may have come about. */
  readonly takeUp: () => Promise<number>;
  /** Deliveries that were just recorded; others than pending ones are ignored. */
  readonly add: (deliveries: readonly Delivery[]) => void;
  readonly pending: () => ReadonlyMap<string, number>;
  /** Lets a try that is under way end and be recorded, for at most 5 s. */
  readonly close: () => Promise<void>;
};

type Item = {
  readonly stream: string;
  dueMs: number;
  /** A try whose result could not be recorded: recorded again, and not sent again. */
  result?: SendResult;
};

type Queue = {
  readonly name: string;
  readonly channel: Channel;
  items: Item[];
  /** The other side asked for silence until then. */
  pausedUntilMs: number;
  sending: Promise<void> | undefined;
  cancelTimer: () => void;
};

const CLOSE_MS = 5_000;
const AGAIN_MS = 5_000;

export function openDeliverer(deps: DelivererDeps): Deliverer {
  const { journal, clock, logger } = deps;
  const closing = new AbortController();
  let closed = false;
  const queues = new Map<string, Queue>(
    [...deps.channels].map(([name, channel]) => [
      name,
      { name, channel, items: [], pausedUntilMs: 0, sending: undefined, cancelTimer: () => {} },
    ]),
  );

  /** Sends the delivery that has been due longest, or sleeps until one is. */
  const pump = (queue: Queue): void => {
    queue.cancelTimer();
    if (closed || queue.sending) return;
    const item = queue.items.reduce<Item | undefined>(
      (first, one) => (first && first.dueMs <= one.dueMs ? first : one),
      undefined,
    );
    if (!item) return;
    const waitMs = Math.max(item.dueMs, queue.pausedUntilMs) - clock.nowMs();
    if (waitMs > 0) {
      queue.cancelTimer = clock.after(waitMs, () => pump(queue));
      return;
    }
    queue.sending = attempt(queue, item)
      .catch((error: unknown) => {
        logger.error({ err: error, channel: queue.name }, "a try to deliver could not be recorded; it will be");
        item.dueMs = clock.nowMs() + AGAIN_MS;
      })
      .finally(() => {
        queue.sending = undefined;
        pump(queue);
      });
  };

  const attempt = async (queue: Queue, item: Item): Promise<void> => {
    const loaded = await journal.load(item.stream);
    const drop = (): void => {
      queue.items = queue.items.filter((one) => one !== item);
    };
    if (!loaded) return drop();
    const before = readDelivery(loaded.snapshot);
    if (before.state !== "pending") return drop();
    item.result ??= await trySend(deps, queue.channel, before, closing.signal);
    // Cut off while closing: the next process finds it pending and sends it with the same key.
    if (closing.signal.aborted && item.result.kind === "retry") return;

    const now = clock.nowMs();
    const after = decideDelivery(before, item.result, now, deps.random(), deps.policy);
    const event = {
      kind: "DeliveryTried",
      state: after.state,
      ...(after.problem === null ? {} : { problem: after.problem }),
    };
    const appended = await journal.append([recordDelivery(after, loaded.version, event)]);
    if (!appended.ok)
      throw new Error(`the journal has version ${appended.version} of a delivery, not ${loaded.version}`);

    if (item.result.kind === "retry") queue.pausedUntilMs = now + (item.result.afterMs ?? 0);
    delete item.result;
    if (after.nextTryMs === null) drop();
    else item.dueMs = after.nextTryMs;
    tell(logger, after);
    deps.onTried(after);
  };

  const enqueue = (delivery: Delivery): boolean => {
    const queue = queues.get(delivery.channel);
    const stream = deliveryStream(delivery.key);
    if (!queue || delivery.state !== "pending" || queue.items.some((item) => item.stream === stream)) return false;
    queue.items.push({ stream, dueMs: delivery.nextTryMs ?? 0 });
    return true;
  };

  return {
    takeUp: async () => {
      let count = 0;
      for await (const delivery of pendingOf(journal)) {
        if (!queues.has(delivery.channel)) await refuseUnknown(deps, delivery);
        else if (enqueue(delivery)) count += 1;
      }
      for (const queue of queues.values()) pump(queue);
      return count;
    },
    add: (deliveries) => {
      for (const delivery of deliveries) enqueue(delivery);
      for (const queue of queues.values()) pump(queue);
    },
    pending: () => new Map([...queues.values()].map((queue) => [queue.name, queue.items.length])),
    close: async () => {
      closed = true;
      for (const queue of queues.values()) queue.cancelTimer();
      const cancel = clock.after(CLOSE_MS, () => closing.abort());
      await Promise.all([...queues.values()].map((queue) => queue.sending));
      cancel();
    },
  };
}

/** One try. What a channel throws is a mistake of ours, and the message must not be lost for it. */
export async function trySend(
  { clock, logger, policy }: Pick<DelivererDeps, "clock" | "logger" | "policy">,
  channel: Channel,
  delivery: Delivery,
  closing: AbortSignal,
): Promise<SendResult> {
  const late = new AbortController();
  const cancel = clock.after(policy.sendMs, () => late.abort());
  try {
    return await channel.send(messageOf(delivery), AbortSignal.any([late.signal, closing]));
  } catch (error) {
    logger.error({ err: error, channel: delivery.channel }, "a channel threw instead of answering");
    return { kind: "retry", problem: "Gantry made a mistake; the log of the notify-agent has the details." };
  } finally {
    cancel();
  }
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

async function refuseUnknown({ journal, logger, onTried }: DelivererDeps, delivery: Delivery): Promise<void> {
  const loaded = await journal.load(deliveryStream(delivery.key));
  if (!loaded) return;
  const problem = `the configuration has no channel ${delivery.channel} any more`;
  const refused: Delivery = { ...delivery, state: "refused", nextTryMs: null, problem };
  await journal.append([recordDelivery(refused, loaded.version, { kind: "DeliveryTried", state: "refused", problem })]);
  tell(logger, refused);
  onTried(refused);
}

function tell(logger: Logger, { key, channel, state, tries, problem }: Delivery): void {
  const line = { key, channel, state, tries, ...(problem === null ? {} : { problem }) };
  if (state === "delivered") logger.info(line, "delivered");
  else if (state !== "pending") logger.warn(line, "not delivered");
  // The first failure only: the record has the others.
  else if (tries === 1) logger.warn(line, "not delivered yet; it is tried again");
}
