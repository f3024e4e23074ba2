// Checks the topic, and creates it if it is missing.

import { GantryError } from "@gantry/core/errors.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { KafkaConfig } from "./config.ts";
import { decideTopic, type TopicFacts, topicSettings } from "./decide-topic.ts";
import { type KafkaClient, type TopicAdmin, TopicRefused } from "./kafka-client.ts";

/** Throws `topic-unfit`, or the error of the client when it cannot check. */
export async function checkTopic(client: KafkaClient, config: KafkaConfig, logger: Logger): Promise<void> {
  const admin = client.openTopicAdmin();
  try {
    const facts = (await factsOf(admin, config.topic, logger)) ?? (await create(admin, config, logger));
    const problem = decideTopic(config, facts);
    if (problem) throw new GantryError("topic-unfit", { topic: config.topic, ...problem });
  } finally {
    await admin.close().catch((err: unknown) => logger.debug({ err }, "an admin client did not disconnect cleanly"));
  }
}

async function create(admin: TopicAdmin, config: KafkaConfig, logger: Logger): Promise<TopicFacts> {
  const { topic, partitions, replication } = config;
  if (!config.create) {
    throw new GantryError("topic-unfit", {
      topic,
      problem: "it does not exist",
      todo: "Create it, or set `create: true` so that Gantry does.",
    });
  }
  try {
    if ((await admin.create({ topic, partitions, replication, settings: topicSettings(config) })) === "created")
      logger.info({ topic, partitions, replication }, "the topic was created");
  } catch (error) {
    if (!(error instanceof TopicRefused)) throw error;
    throw new GantryError("topic-unfit", {
      topic,
      problem: `it cannot be created: ${error.message.replace(/\.$/, "")}`,
      todo: "Create it by hand, or correct partitions and replication in the configuration.",
    });
  }
  const made = await factsOf(admin, topic, logger);
  if (!made) throw new Error(`the topic ${topic} was created but does not exist yet`);
  return made;
}

async function factsOf(admin: TopicAdmin, topic: string, logger: Logger): Promise<TopicFacts | undefined> {
  const size = await admin.sizeOf(topic);
  if (size === undefined) return undefined;
  const settings = await admin.settingsOf(topic);
  if (settings === undefined)
    logger.warn({ topic }, "the account may not read the settings of the topic, so they are not checked");
  return { ...size, settings: settings ?? {} };
}
