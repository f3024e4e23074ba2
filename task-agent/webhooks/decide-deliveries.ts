// Decides what the deliveries mean, one after the other in the order in which they were received. Every agent does it: a
// decision that another one has committed first changes nothing, and a task is started once.

import type { Journal } from "@gantry/journal/journal.ts";
import { bodyStream, type DeliveryBody, type DeliveryDecision, type DeliveryState, deliveryStream } from "./delivery-stream.ts";

export type DeciderDeps = {
  readonly journal: Journal;
  /** Starts what is to be started, each once however often it is called. Rejects when it cannot be said yet. */
  readonly decide: (delivery: DeliveryState, body: DeliveryBody) => Promise<DeliveryDecision>;
  readonly onError: (error: unknown, what: string) => void;
};

export type Decider = {
  /** To be called after a delivery was received, and every second: what could not be decided is tried again. */
  readonly wake: () => void;
  /** Resolves when the running work has ended; nothing new begins. */
  readonly close: () => Promise<void>;
};

const PAGE = 50;

export function openDecider({ journal, decide, onError }: DeciderDeps): Decider {
  let isClosed = false;
  let isAwake = false;
  let running: Promise<void> | undefined;

  const decideOne = async (delivery: DeliveryState, version: number): Promise<void> => {
    const body = await bodyStream.load(journal, delivery.id);
    if (!body) throw new Error(`the body of the delivery ${delivery.id} is not in the journal`);
    const state = { ...delivery, decision: await decide(delivery, body.state) };
    // On a conflict, another agent has decided the same.
    await journal.append([
      deliveryStream.append(delivery.id, { expected: version, events: [{ kind: "DeliveryDecided" }], state }),
    ]);
  };
  const decideAll = async (): Promise<void> => {
    for (let cursor: string | undefined; ; ) {
      const next = cursor === undefined ? {} : { cursor };
      const page = await journal.find({ index: "deliveries-open", limit: PAGE, ...next });
      for (const item of page.items) {
        if (isClosed) return;
        await decideOne(deliveryStream.stateOf(item), item.version);
      }
      cursor = page.cursor;
      if (cursor === undefined) return;
    }
  };
  const work = async (): Promise<void> => {
    while (isAwake && !isClosed) {
      isAwake = false;
      // The order stays: nothing after it is decided before.
      await decideAll().catch((error: unknown) => onError(error, "deciding what a webhook starts"));
    }
    running = undefined;
  };
  return {
    wake: () => {
      isAwake = true;
      running ??= work();
    },
    close: async () => {
      isClosed = true;
      await running;
    },
  };
}
