// How a process finds and uses Kafka. The same keys in the task-agent (`events.kafka`) and the notify-agent
// (`source.kafka`).

import { z } from "zod";

const days = (count: number): number => count * 86_400_000;

/** `secret`: how the process at hand writes secrets in its configuration. */
export function kafkaSettings<S extends z.ZodType<unknown, unknown>>(secret: S) {
  return z.strictObject({
    /** Brokers to begin with, `host:port`; they name the others. */
    brokers: z.array(z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/, "must be host:port")).min(1),
    topic: z
      .string()
      .regex(/^[A-Za-z0-9._-]+$/)
      .max(249)
      .default("gantry.events"),
    clientId: z.string().min(1).max(100).default("gantry"),
    tls: z.boolean().default(false),
    /** PEM texts: the authorities of the brokers' certificates (the machine's own when absent), and this client's own. */
    tlsCa: secret.optional(),
    tlsCert: secret.optional(),
    tlsKey: secret.optional(),
    /** The name that the brokers' certificates must have, where it is not their address. */
    tlsServername: z.string().optional(),
    sasl: z
      .strictObject({
        mechanism: z.enum(["plain", "scram-sha-256", "scram-sha-512"]),
        username: z.string().min(1),
        password: secret,
      })
      .optional(),
    /** Brokers drop what a producer sends twice over one connection. Nothing depends on it: readers drop repeats. */
    idempotent: z.boolean().default(true),
    /** What the topic must have; with `create` it is made so where it is missing. */
    create: z.boolean().default(true),
    partitions: z.int().min(1).max(10_000).default(12),
    replication: z.int().min(1).max(100).default(3),
    retentionMs: z.int().min(60_000).default(days(7)),
  });
}

export const kafkaConfig = kafkaSettings(z.string());
export type KafkaConfig = z.output<typeof kafkaConfig>;

/** Where events go, in words. */
export function placeOf({ brokers, topic }: Pick<KafkaConfig, "brokers" | "topic">): string {
  return `${topic} at ${brokers.join(", ")}`;
}
