// Reads and creates the topic with kafkajs.

import kafkajs, { type Admin, type Kafka } from "kafkajs";
import { type NewTopic, type TopicAdmin, TopicRefused } from "../kafka-client.ts";

const CREATE_MS = 10_000;

export function openTopicAdmin(kafka: Kafka): TopicAdmin {
  const admin = kafka.admin();
  let connected: Promise<void> | undefined;
  const connect = async (): Promise<Admin> => {
    connected ??= admin.connect();
    await connected;
    return admin;
  };
  return {
    sizeOf: async (topic) => sizeOf(await connect(), topic),
    settingsOf: async (topic) => settingsOf(await connect(), topic),
    create: async (topic) => create(await connect(), topic),
    close: () => admin.disconnect(),
  };
}

async function create(
  admin: Admin,
  { topic, partitions, replication, settings }: NewTopic,
): Promise<"created" | "exists"> {
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  const wanted = { topic, numPartitions: partitions, replicationFactor: replication, configEntries };
  try {
    const isNew = await admin.createTopics({ topics: [wanted], waitForLeaders: true, timeout: CREATE_MS });
    return isNew ? "created" : "exists";
  } catch (error) {
    const refusal = refusalOf(error);
    throw refusal === undefined ? error : new TopicRefused(refusal, { cause: error });
  }
}

async function sizeOf(admin: Admin, topic: string): ReturnType<TopicAdmin["sizeOf"]> {
  const metadata = await admin.fetchTopicMetadata({ topics: [topic] }).catch((error: unknown) => {
    if (typeOf(error) === "UNKNOWN_TOPIC_OR_PARTITION") return undefined;
    throw error;
  });
  const partitions = metadata?.topics.find(({ name }) => name === topic)?.partitions;
  if (!partitions) return undefined;
  return {
    partitions: partitions.length,
    replication: Math.min(...partitions.map(({ replicas }) => replicas.length)),
  };
}

async function settingsOf(admin: Admin, topic: string): ReturnType<TopicAdmin["settingsOf"]> {
  try {
    const query = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic };
    const { resources } = await admin.describeConfigs({ resources: [query], includeSynonyms: false });
    const entries = resources[0]?.configEntries ?? [];
    return Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]));
  } catch (error) {
    if (/AUTHORIZATION_FAILED$/.test(typeOf(error) ?? "")) return undefined;
    throw error;
  }
}

/** The brokers' message if they refused; undefined if they did not answer. */
function refusalOf(error: unknown): string | undefined {
  const first: unknown =
    error instanceof AggregateError ? error.errors[0] : (error as { errors?: unknown[] }).errors?.[0];
  return first instanceof Error ? first.message : undefined;
}

function typeOf(error: unknown): string | undefined {
  const { type, cause } = error as { type?: unknown; cause?: unknown };
  if (typeof type === "string") return type;
  return cause instanceof Error ? typeOf(cause) : undefined;
}
