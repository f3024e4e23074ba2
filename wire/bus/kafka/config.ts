// The Kafka configuration of a process. The keys are the same in the task-agent (`events.kafka`) and the notify-agent
// (`source.kafka`).

import { z } from "zod";

const days = (count: number): number => count * 86_400_000;

/** `secret`: the schema of secrets in the configuration of this process. */
export function kafkaSettings<S extends z.core.$ZodType>(secret: S) {
  return z.strictObject({
    /** The client library. All members of a group may use different ones. */
    client: z.enum(["kafkajs", "platformatic"]).default("kafkajs"),
    /** Bootstrap brokers, `host:port`. */
    brokers: z.array(z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/, "must be host:port")).min(1),
    topic: z
      .string()
      .regex(/^[A-Za-z0-9._-]+$/)
      .max(249)
      .default("gantry.events"),
    clientId: z.string().min(1).max(100).default("gantry"),
    tls: z.boolean().default(false),
    /** PEM texts: the CA of the brokers' certificates (default: the machine's CAs), and the client certificate and key. */
    tlsCa: z.optional(secret),
    tlsCert: z.optional(secret),
    tlsKey: z.optional(secret),
    /** The name in the brokers' certificates, if it differs from their address. */
    tlsServername: z.string().optional(),
    sasl: z
      .strictObject({
        mechanism: z.enum(["plain", "scram-sha-256", "scram-sha-512"]),
        username: z.string().min(1),
        password: secret,
      })
      .optional(),
    /** Brokers drop repeats of a producer within one connection. Not required: readers drop repeats. */
    idempotent: z.boolean().default(true),
    /** Requirements of the topic; with `create` a missing topic is created accordingly. */
    create: z.boolean().default(true),
    partitions: z.int().min(1).max(10_000).default(12),
    replication: z.int().min(1).max(100).default(3),
    retentionMs: z.int().min(60_000).default(days(7)),
  });
}

export const kafkaConfig = kafkaSettings(z.string());
export type KafkaConfig = z.output<typeof kafkaConfig>;

/** The destination of events, for messages. */
export function placeOf({ brokers, topic }: Pick<KafkaConfig, "brokers" | "topic">): string {
  return `${topic} at ${brokers.join(", ")}`;
}
