// Decides what the deliveries mean: those of one repository one after the other, in the order in which they were received. Every
// agent does it: a decision that another one has committed first changes nothing, and a task is started once.

import type { Journal } from "@gantry/journal/journal.ts";
import {
  bodyStream,
  type DeliveryBody,
  type DeliveryDecision,
  type DeliveryState,
  deliveryStream,
} from "./delivery-stream.ts";

export type DeciderDeps = {
  readonly journal: Journal;
  /** What must be decided one after the other has the same text. */
  readonly laneOf: (delivery: DeliveryState, body: DeliveryBody) => string;
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

export function openDecider({ journal, laneOf, decide, onError }: DeciderDeps): Decider {
  let isClosed = false;
  let isAwake = false;
  let running: Promise<void> | undefined;

  const bodyOf = async ({ id }: DeliveryState): Promise<DeliveryBody> => {
    const body = await bodyStream.load(journal, id);
    if (!body) throw new Error(`the body of the delivery ${id} is not in the journal`);
    return body.state;
  };
  const decideOne = async (delivery: DeliveryState, body: DeliveryBody, version: number): Promise<void> => {
    if (isClosed) return;
    const state = { ...delivery, decision: await decide(delivery, body) };
    // On a conflict, another agent has decided the same.
    await journal.append([
      deliveryStream.append(delivery.id, { expected: version, events: [{ kind: "DeliveryDecided" }], state }),
    ]);
  };
  const decideAll = async (): Promise<void> => {
    for (let cursor: string | undefined; ; ) {
      const next = cursor === undefined ? {} : { cursor };
      const page = await journal.find({ index: "deliveries-open", limit: PAGE, ...next });
      const lanes = new Map<string, Promise<void>>();
      for (const item of page.items) {
        const delivery = deliveryStream.stateOf(item);
        const body = await bodyOf(delivery);
        const lane = laneOf(delivery, body);
        const before = lanes.get(lane) ?? Promise.resolve();
        lanes.set(
          lane,
          before.then(() => decideOne(delivery, body, item.version)),
        );
      }
      // What comes after one that failed is not decided: the order stays.
      const ended = await Promise.allSettled(lanes.values());
      const failed = ended.find((one) => one.status === "rejected");
      if (failed) throw failed.reason;
      cursor = page.cursor;
      if (cursor === undefined || isClosed) return;
    }
  };
  const work = async (): Promise<void> => {
    while (isAwake && !isClosed) {
      isAwake = false;
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
