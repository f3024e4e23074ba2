// The queue of one channel. It sends one message at a time; each delivery has its own retry time, so a message that cannot
// be delivered does not block the others. Every attempt is recorded before the next one.

import type { Channel, SendResult } from "@gantry/core/notify/channel.ts";
import { DELIVERY_STREAMS, type Delivery, streamIdOf } from "./delivery.ts";
import { type AttemptDeps, recordTry, trySend } from "./send-attempt.ts";

export type QueueDeps = AttemptDeps & {
  /** True while an operator has paused notifications. Default: never. */
  readonly isPaused?: () => boolean;
};

export type ChannelQueue = {
  /** Of the channel. */
  readonly name: string;
  /** False when the delivery is in the queue already. */
  readonly add: (delivery: Delivery) => boolean;
  /** Sends what is due, or sets a timer until something is. May be called at any time. */
  readonly pump: () => void;
  readonly length: () => number;
  /** Waits up to 5 s for a running attempt to be recorded. Everything else is sent by the next process. */
  readonly close: () => Promise<void>;
};

type Item = {
  /** The id of its stream. */
  readonly id: string;
  /** On the monotonic clock: setting the system clock must not delay a channel for hours. */
  dueMs: number;
  /** The result of an attempt that could not be recorded. It is recorded again without sending again. */
  result?: SendResult;
};

type QueueState = {
  items: Item[];
  closed: boolean;
  /** The other side asked to wait until then, on the monotonic clock. */
  pausedUntilMs: number;
  sending: Promise<void> | undefined;
  cancelTimer: () => void;
  readonly closing: AbortController;
};

const CLOSE_MS = 5_000;
const RECORD_AGAIN_MS = 5_000;

export function openChannelQueue(deps: QueueDeps, name: string, channel: Channel): ChannelQueue {
  const state: QueueState = {
    items: [],
    closed: false,
    pausedUntilMs: 0,
    sending: undefined,
    cancelTimer: () => {},
    closing: new AbortController(),
  };
  return {
    name,
    add: (delivery) => add(deps, state, delivery),
    pump: () => pump(deps, state, name, channel),
    length: () => state.items.length,
    close: async () => {
      state.closed = true;
      state.cancelTimer();
      const cancel = deps.clock.after(CLOSE_MS, () => state.closing.abort());
      await state.sending;
      cancel();
    },
  };
}

function add({ clock, policy }: QueueDeps, state: QueueState, delivery: Delivery): boolean {
  const id = streamIdOf(delivery.key);
  if (state.items.some((item) => item.id === id)) return false;
  // An earlier process may have recorded the time by a system clock that has been set since.
  const leftMs = Math.min((delivery.nextTryMs ?? 0) - clock.nowMs(), policy.maxRetryMs);
  state.items.push({ id, dueMs: clock.monotonicMs() + leftMs });
  return true;
}

function pump(deps: QueueDeps, state: QueueState, name: string, channel: Channel): void {
  const { clock, logger } = deps;
  state.cancelTimer();
  const item = firstDue(state.items);
  if (state.closed || state.sending || !item || deps.isPaused?.()) return;
  const waitMs = Math.max(item.dueMs, state.pausedUntilMs) - clock.monotonicMs();
  if (waitMs > 0) {
    state.cancelTimer = clock.after(waitMs, () => pump(deps, state, name, channel));
    return;
  }
  state.sending = attempt(deps, state, channel, item)
    .catch((error: unknown) => {
      logger.error({ err: error, channel: name }, "the result of a delivery attempt could not be recorded yet");
      item.dueMs = clock.monotonicMs() + RECORD_AGAIN_MS;
    })
    .finally(() => {
      state.sending = undefined;
      pump(deps, state, name, channel);
    });
}

async function attempt(deps: QueueDeps, state: QueueState, channel: Channel, item: Item): Promise<void> {
  const { journal, clock } = deps;
  const remove = (): void => {
    state.items = state.items.filter((one) => one !== item);
  };
  const loaded = await DELIVERY_STREAMS.load(journal, item.id);
  const before = loaded?.state;
  if (before?.state !== "pending") {
    remove();
    return;
  }
  item.result ??= await trySend(deps, channel, before, state.closing.signal);
  // Aborted by `close`: the delivery stays pending, and the next process sends it with the same key.
  if (state.closing.signal.aborted && item.result.kind === "retry") return;
  const [triedMs, triedAtMs] = [clock.monotonicMs(), clock.nowMs()];
  const after = await recordTry(deps, before, loaded?.version ?? 0, item.result, triedAtMs);
  if (item.result.kind === "retry") state.pausedUntilMs = triedMs + (item.result.afterMs ?? 0);
  delete item.result;
  if (after.nextTryMs === null) remove();
  else item.dueMs = triedMs + after.nextTryMs - triedAtMs;
}

/** The item that has been due longest; of several, the one that was added first. */
function firstDue(items: readonly Item[]): Item | undefined {
  return items.reduce<Item | undefined>((first, one) => (first && first.dueMs <= one.dueMs ? first : one), undefined);
}
