// @platformatic/kafka as a client of the bus: addresses, TLS, SASL, its producer and its topics.

import type { ConnectionOptions } from "node:tls";
import {
  Admin,
  type BaseOptions,
  type ClusterMetadata,
  ConfigResourceTypes,
  compatibilityPartitioner,
  findErrorBy,
  Producer,
  SASLMechanisms,
  stringSerializers,
  UserError,
} from "@platformatic/kafka";
import type { KafkaConfig } from "../config.ts";
import {
  type ClientDeps,
  CONNECT_MS,
  type KafkaClient,
  type KafkaProducer,
  type NewTopic,
  REQUEST_MS,
  RETRIES,
  type TopicAdmin,
  TopicRefused,
} from "../kafka-client.ts";
import { openMember } from "./member.ts";

const RETRY_MS = 500;

const MECHANISMS = {
  plain: SASLMechanisms.PLAIN,
  "scram-sha-256": SASLMechanisms.SCRAM_SHA_256,
  "scram-sha-512": SASLMechanisms.SCRAM_SHA_512,
} as const;

export function openPlatformaticClient({ config, clock, logger }: ClientDeps): KafkaClient {
  const options = optionsOf(config);
  return {
    openProducer: () => openProducer(options, config),
    openTopicAdmin: () => openTopicAdmin(options),
    openMember: (task) => openMember({ options, topic: config.topic, clock, logger }, task),
    close: () => {},
  };
}

/** No client connects before its first call. */
function optionsOf(config: KafkaConfig): BaseOptions {
  const { brokers, clientId, sasl, tlsServername } = config;
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: CONNECT_MS,
    requestTimeout: REQUEST_MS,
    timeout: REQUEST_MS,
    retries: RETRIES,
    retryDelay: RETRY_MS,
    ...(config.tls ? { tls: tlsOf(config) } : {}),
    ...(tlsServername === undefined ? {} : { tlsServerName: tlsServername }),
    ...(sasl ? { sasl: { ...sasl, mechanism: MECHANISMS[sasl.mechanism] } } : {}),
  };
}

function tlsOf({ tlsCa, tlsCert, tlsKey }: KafkaConfig): ConnectionOptions {
  return {
    ...(tlsCa === undefined ? {} : { ca: tlsCa }),
    ...(tlsCert === undefined ? {} : { cert: tlsCert }),
    ...(tlsKey === undefined ? {} : { key: tlsKey }),
  };
}

function openProducer(options: BaseOptions, { topic, idempotent }: KafkaConfig): KafkaProducer {
  const producer = new Producer({
    ...options,
    idempotent,
    acks: -1, // All in-sync replicas.
    // With more than one, a batch could overtake the previous one.
    maxInflights: 1,
    autocreateTopics: false,
    // The library's own default places keys differently from kafkajs and the Java client.
    partitioner: compatibilityPartitioner,
    serializers: stringSerializers,
  });
  return {
    send: async (messages) => {
      const batch = messages.map(({ key, value, headers }) => ({ topic, key, value, headers: { ...headers } }));
      await producer.send({ messages: batch });
    },
    close: () => producer.close(true),
  };
}

function openTopicAdmin(options: BaseOptions): TopicAdmin {
  const admin = new Admin(options);
  return {
    sizeOf: async (topic) => {
      const partitions = (await metadataOf(admin, topic, 0))?.topics.get(topic)?.partitions;
      if (!partitions || partitions.length === 0) return undefined;
      return {
        partitions: partitions.length,
        replication: Math.min(...partitions.map(({ replicas }) => replicas.length)),
      };
    },
    settingsOf: (topic) => settingsOf(admin, topic),
    create: (topic) => create(admin, topic),
    close: () => admin.close(),
  };
}

/** Undefined if the topic does not exist. The library reports it as a mistake of its caller, and only in words. */
async function metadataOf(admin: Admin, topic: string, retries: number): Promise<ClusterMetadata | undefined> {
  try {
    return await admin.metadata({ topics: [topic], forceUpdate: true, retries });
  } catch (error) {
    if (error instanceof UserError && error.message.startsWith("Unknown topic")) return undefined;
    throw error;
  }
}

async function settingsOf(admin: Admin, topic: string): ReturnType<TopicAdmin["settingsOf"]> {
  try {
    const query = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic };
    const [found] = await admin.describeConfigs({ resources: [query] });
    return Object.fromEntries((found?.configs ?? []).map(({ name, value }) => [name, value ?? undefined]));
  } catch (error) {
    if (apiError(error, "TOPIC_AUTHORIZATION_FAILED") || apiError(error, "CLUSTER_AUTHORIZATION_FAILED"))
      return undefined;
    throw error;
  }
}

async function create(
  admin: Admin,
  { topic, partitions, replication, settings }: NewTopic,
): Promise<"created" | "exists"> {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, value }));
  try {
    await admin.createTopics({ topics: [topic], partitions, replicas: replication, configs });
    // A new topic is unknown to the brokers for a moment.
    await metadataOf(admin, topic, RETRIES);
    return "created";
  } catch (error) {
    if (apiError(error, "TOPIC_ALREADY_EXISTS")) return "exists";
    const refusal = error instanceof Error ? findErrorBy(error, "code", "PLT_KFK_PROTOCOL") : null;
    if (refusal === null) throw error;
    const said: unknown = refusal.serverErrorMessage;
    throw new TopicRefused(typeof said === "string" && said !== "" ? said : refusal.message, { cause: error });
  }
}

function apiError(error: unknown, apiId: string): boolean {
  return error instanceof Error && findErrorBy(error, "apiId", apiId) !== null;
}
