// A producer of kafkajs.

import type { Kafka } from "kafkajs";
import type { KafkaConfig } from "../config.ts";
import { type KafkaProducer, REQUEST_MS, RETRIES } from "../kafka-client.ts";

const ALL_IN_SYNC = -1;

export function openProducer(kafka: Kafka, { topic, idempotent }: KafkaConfig): KafkaProducer {
  const producer = kafka.producer({
    idempotent,
    // With more than one, a batch could overtake the previous one.
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    retry: { retries: RETRIES, initialRetryTime: 100, maxRetryTime: 2_000 },
  });
  let connected: Promise<void> | undefined;
  return {
    send: async (messages) => {
      connected ??= producer.connect();
      await connected;
      const batch = messages.map(({ key, value, headers }) => ({ key, value, headers: { ...headers } }));
      await producer.send({ topic, acks: ALL_IN_SYNC, timeout: REQUEST_MS, messages: batch });
    },
    close: () => producer.disconnect(),
  };
}
