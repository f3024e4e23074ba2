// Publishes to Kafka: one batch at a time, acknowledged by all in-sync replicas. A producer that failed or became silent is
// replaced for the next batch, because its internal state is unknown.

import type { Timers } from "@gantry/runtime/clock.ts";
import { within } from "@gantry/runtime/deadline.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { BusMessage } from "../bus.ts";
import type { KafkaClient, KafkaProducer } from "./kafka-client.ts";

export type Publisher = {
  /** Rejects with the error of the client, or after 30 s without an answer. */
  readonly publish: (messages: readonly BusMessage[]) => Promise<void>;
  readonly close: () => Promise<void>;
};

/** A promise of the client that has not settled by then counts as lost. */
export const SILENCE_MS = 30_000;
const GOODBYE_MS = 3_000;

export function openPublisher(client: Promise<KafkaClient>, clock: Timers, logger: Logger): Publisher {
  let current: KafkaProducer | undefined;
  let last: Promise<void> = Promise.resolve();

  const closeProducer = async (): Promise<void> => {
    const producer = current;
    current = undefined;
    if (!producer) return;
    try {
      await within(clock, GOODBYE_MS, "disconnecting", producer.close());
    } catch (err) {
      logger.debug({ err }, "a producer did not disconnect cleanly");
    }
  };
  const publish = async (messages: readonly BusMessage[]): Promise<void> => {
    if (messages.length === 0) return;
    const { openProducer } = await client;
    current ??= openProducer();
    try {
      await within(clock, SILENCE_MS, "publishing", current.send(messages));
    } catch (error) {
      void closeProducer(); // Never rejects; the next batch does not wait for it.
      throw error;
    }
  };

  return {
    publish: (messages) => {
      const mine = last.then(() => publish(messages));
      last = mine.catch(() => {});
      return mine;
    },
    close: async () => {
      await last;
      await closeProducer();
    },
  };
}
