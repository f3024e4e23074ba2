// Checks the topic, and creates it if it is missing.

import { GantryError } from "@gantry/core/errors.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import kafkajs, { type Admin, type Kafka } from "kafkajs";
import { problemOfKafka } from "./client.ts";
import type { KafkaConfig } from "./config.ts";
import { decideTopic, type TopicFacts, topicSettings } from "./decide-topic.ts";

/** Throws `topic-unfit`, or the error of kafkajs when it cannot check. */
export async function checkTopic(kafka: Kafka, config: KafkaConfig, logger: Logger): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const facts = (await factsOf(admin, config.topic, logger)) ?? (await create(admin, config, logger));
    const problem = decideTopic(config, facts);
    if (problem) throw new GantryError("topic-unfit", { topic: config.topic, ...problem });
  } finally {
    await admin
      .disconnect()
      .catch((err: unknown) => logger.debug({ err }, "an admin client did not disconnect cleanly"));
  }
}

async function create(admin: Admin, config: KafkaConfig, logger: Logger): Promise<TopicFacts> {
  const { topic, partitions, replication } = config;
  if (!config.create) {
    throw new GantryError("topic-unfit", {
      topic,
      problem: "it does not exist",
      todo: "Create it, or set `create: true` so that Gantry does.",
    });
  }
  const configEntries = Object.entries(topicSettings(config)).map(([name, value]) => ({ name, value }));
  const wanted = { topic, numPartitions: partitions, replicationFactor: replication, configEntries };
  try {
    if (await admin.createTopics({ topics: [wanted], waitForLeaders: true, timeout: 10_000 }))
      logger.info({ topic, partitions, replication }, "the topic was created");
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    throw new GantryError("topic-unfit", {
      topic,
      problem: `it cannot be created: ${refusal.replace(/\.$/, "")}`,
      todo: "Create it by hand, or correct partitions and replication in the configuration.",
    });
  }
  const made = await factsOf(admin, topic, logger);
  if (!made) throw new Error(`the topic ${topic} was created but does not exist yet`);
  return made;
}

async function factsOf(admin: Admin, topic: string, logger: Logger): Promise<TopicFacts | undefined> {
  const metadata = await admin.fetchTopicMetadata({ topics: [topic] }).catch((error: unknown) => {
    if (typeOf(error) === "UNKNOWN_TOPIC_OR_PARTITION") return undefined;
    throw error;
  });
  const partitions = metadata?.topics.find(({ name }) => name === topic)?.partitions;
  if (!partitions) return undefined;
  return {
    partitions: partitions.length,
    replication: Math.min(...partitions.map(({ replicas }) => replicas.length)),
    settings: await settingsOf(admin, topic, logger),
  };
}

/** Undefined if the account may write and read, but not see settings. */
async function settingsOf(admin: Admin, topic: string, logger: Logger): Promise<TopicFacts["settings"]> {
  try {
    const query = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic };
    const { resources } = await admin.describeConfigs({ resources: [query], includeSynonyms: false });
    const entries = resources[0]?.configEntries ?? [];
    return Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]));
  } catch (error) {
    if (!/AUTHORIZATION_FAILED$/.test(typeOf(error) ?? "")) throw error;
    logger.warn(
      { topic, problem: problemOfKafka(error) },
      "the settings of the topic may not be read and are not checked",
    );
    return {};
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
