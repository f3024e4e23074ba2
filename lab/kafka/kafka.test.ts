// The bus on a real broker: the suite, topics that do not fit, accounts that are refused, crashes and silence.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { busSuite } from "@gantry/wire/bus.suite.ts";
import { openKafkaBus } from "@gantry/wire/kafka/bus.ts";
import { type KafkaConfig, kafkaConfig } from "@gantry/wire/kafka/config.ts";
import { type KafkaBroker, startBroker, whyNoBroker } from "./broker.ts";

const skip = whyNoBroker() ?? false;

describe("Kafka", { skip }, () => {
  let dir: string;
  let broker: KafkaBroker;
  let topics = 0;
  const topic = (): string => {
    topics += 1;
    return `t${topics}`;
  };
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "gantry-kafka-"));
    broker = await startBroker(dir);
  });
  after(async () => {
    await broker?.close();
    await rm(dir, { recursive: true, force: true });
  });

  const logger = { debug: process.env.DBG ? console.log : () => {}, info: () => {}, warn: console.log, error: () => {} };
  const configOf = (part: Partial<KafkaConfig> = {}): KafkaConfig =>
    kafkaConfig.parse({
      brokers: [broker.address],
      topic: topic(),
      partitions: 3,
      replication: 1,
      ...part,
    });

  busSuite("kafka", async () => {
    const config = configOf();
    return { open: () => openKafkaBus(config, { logger }) };
  });
});
