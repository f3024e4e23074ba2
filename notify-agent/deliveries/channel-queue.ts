// What waits to be sent on one channel: one message at a time, each delivery with a patience of its own, so that one
// that is never taken holds up no other. Every try is recorded before the next.

import type { JsonObject } from "@gantry/core/json.ts";
import type { Channel, SendResult } from "@gantry/core/notify/channel.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { type DeliveryPolicy, decideRetry } from "./decide-retry.ts";
import { type Delivery, deliveryStream, messageOf, readDelivery, recordDelivery } from "./delivery.ts";

export type QueueDeps = {
  readonly journal: Journal;
  readonly policy: DeliveryPolicy;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** An operator has said that nothing is to be sent. Default: never. */
  readonly isPaused?: () => boolean;
  /** After a try was recorded. */
  readonly onTried: (delivery: Delivery) => void;
};

export type ChannelQueue = {
  /** False when it waits here already. */
  readonly add: (delivery: Delivery) => boolean;
  /** Sends what is due, or sleeps until something is. Safe to call at any time. */
  readonly pump: () => void;
  readonly length: () => number;
  /** Lets a try that is under way end and be recorded, for at most 5 s. What still waits is sent by the next process. */
  readonly close: () => Promise<void>;
};

type Item = {
  readonly stream: string;
  /** By the monotonic clock: who sets the clock on the wall must not silence a channel for hours. */
  dueMs: number;
  /** The result of a try that could not be recorded: recorded again, and not sent again. */
  result?: SendResult;
};

const CLOSE_MS = 5_000;
const RECORD_AGAIN_MS = 5_000;

export function openChannelQueue(deps: QueueDeps, name: string, channel: Channel): ChannelQueue {
  const { clock, logger } = deps;
  const closing = new AbortController();
  let items: Item[] = [];
  let closed = false;
  /** The other side asked for silence until then. */
  let pausedUntilMs = 0;
  let sending: Promise<void> | undefined;
  let cancelTimer: () => void = () => {};

  const pump = (): void => {
    cancelTimer();
    const item = firstDue(items);
    if (closed || sending || !item || deps.isPaused?.()) return;
    const waitMs = Math.max(item.dueMs, pausedUntilMs) - clock.monotonicMs();
    if (waitMs > 0) {
      cancelTimer = clock.after(waitMs, pump);
      return;
    }
    sending = attempt(item)
      .catch((error: unknown) => {
        logger.error({ err: error, channel: name }, "a try to deliver could not be recorded yet");
        item.dueMs = clock.monotonicMs() + RECORD_AGAIN_MS;
      })
      .finally(() => {
        sending = undefined;
        pump();
      });
  };

  const attempt = async (item: Item): Promise<void> => {
    const loaded = await deps.journal.load(item.stream);
    const before = loaded && readDelivery(loaded.snapshot);
    if (before?.state !== "pending") {
      items = items.filter((one) => one !== item);
      return;
    }
    item.result ??= await trySend(deps, channel, before, closing.signal);
    // Cut off while closing: the next process finds it pending and sends it with the same key.
    if (closing.signal.aborted && item.result.kind === "retry") return;
    const [triedMs, triedAtMs] = [clock.monotonicMs(), clock.nowMs()];
    const after = await recordTry(deps, before, loaded?.version ?? 0, item.result, triedAtMs);
    if (item.result.kind === "retry") pausedUntilMs = triedMs + (item.result.afterMs ?? 0);
    delete item.result;
    if (after.nextTryMs === null) items = items.filter((one) => one !== item);
    else item.dueMs = triedMs + after.nextTryMs - triedAtMs;
  };

  return {
    add: (delivery) => {
      const stream = deliveryStream(delivery.key);
      if (items.some((item) => item.stream === stream)) return false;
      // An earlier process wrote down when by the clock on the wall, which may have been set since.
      const leftMs = Math.min((delivery.nextTryMs ?? 0) - clock.nowMs(), deps.policy.maxRetryMs);
      items.push({ stream, dueMs: clock.monotonicMs() + leftMs });
      return true;
    },
    pump,
    length: () => items.length,
    close: async () => {
      closed = true;
      cancelTimer();
      const cancel = clock.after(CLOSE_MS, () => closing.abort());
      await sending;
      cancel();
    },
  };
}

/** The one that has been due longest; of several, the one that came first. */
function firstDue(items: readonly Item[]): Item | undefined {
  return items.reduce<Item | undefined>((first, one) => (first && first.dueMs <= one.dueMs ? first : one), undefined);
}

/** One try. What a channel throws is a mistake of ours, and the message must not be lost for it. */
async function trySend(
  { clock, logger, policy }: QueueDeps,
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

async function recordTry(
  deps: QueueDeps,
  before: Delivery,
  version: number,
  result: SendResult,
  nowMs: number,
): Promise<Delivery> {
  const after = decideRetry(before, result, nowMs, deps.random(), deps.policy);
  await recordChange(deps, after, version);
  return after;
}

/** Records what became of a delivery, and says it where people look. */
export async function recordChange(
  { journal, logger, onTried }: Pick<QueueDeps, "journal" | "logger" | "onTried">,
  after: Delivery,
  version: number,
): Promise<void> {
  const { key, channel, state, tries, problem } = after;
  const why: JsonObject = problem === null ? {} : { problem };
  const appended = await journal.append([recordDelivery(after, version, { kind: "DeliveryTried", state, ...why })]);
  if (!appended.ok) throw new Error(`the journal has version ${appended.version} of a delivery, not ${version}`);
  const line = { key, channel, state, tries, ...why };
  if (state === "delivered") logger.info(line, "delivered");
  else if (state !== "pending") logger.warn(line, "not delivered");
  // The first failure only: the record has the others.
  else if (tries === 1) logger.warn(line, "not delivered yet; it is tried again");
  onTried(after);
}
