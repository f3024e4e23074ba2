// Publishes to Kafka: one batch at a time, acknowledged by all in-sync replicas. A producer that failed or became silent is
// replaced for the next batch, because its internal state is unknown.

import type { Timers } from "@gantry/runtime/clock.ts";
import { within } from "@gantry/runtime/deadline.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { Kafka, Producer } from "kafkajs";
import type { BusMessage } from "../bus.ts";
import type { KafkaConfig } from "./config.ts";

export type Publisher = {
  /** Rejects with the error of kafkajs, or after 30 s without an answer. */
  readonly publish: (messages: readonly BusMessage[]) => Promise<void>;
  readonly close: () => Promise<void>;
};

/** A promise of kafkajs that has not settled by then counts as lost. */
export const SILENCE_MS = 30_000;
const BROKER_MS = 10_000;
const GOODBYE_MS = 3_000;
const ALL_IN_SYNC = -1;

export function openPublisher(kafka: Kafka, config: KafkaConfig, clock: Timers, logger: Logger): Publisher {
  let current: Producer | undefined;
  let last: Promise<void> = Promise.resolve();

  const connected = async (): Promise<Producer> => {
    if (current) return current;
    const producer = kafka.producer({
      idempotent: config.idempotent,
      // With more than one, a batch could overtake the previous one.
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 2_000 },
    });
    current = producer;
    await producer.connect();
    return producer;
  };
  const giveUp = (): void => {
    const producer = current;
    current = undefined;
    if (producer) void goodbye(producer);
  };
  const goodbye = async (producer: Producer): Promise<void> => {
    try {
      await within(clock, GOODBYE_MS, "disconnecting", producer.disconnect());
    } catch (err) {
      logger.debug({ err }, "a producer did not disconnect cleanly");
    }
  };
  const send = async (messages: readonly BusMessage[]): Promise<void> => {
    const producer = await connected();
    const batch = messages.map(({ key, value, headers }) => ({ key, value, headers: { ...headers } }));
    await producer.send({ topic: config.topic, acks: ALL_IN_SYNC, timeout: BROKER_MS, messages: batch });
  };
  const publish = async (messages: readonly BusMessage[]): Promise<void> => {
    if (messages.length === 0) return;
    try {
      await within(clock, SILENCE_MS, "publishing", send(messages));
    } catch (error) {
      giveUp();
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
      const producer = current;
      current = undefined;
      if (producer) await goodbye(producer);
    },
  };
}
