// Both clients must place a key in the same partition, or a change of the client would break the order of a task's events.

import assert from "node:assert/strict";
import { test } from "node:test";
import { anyCharacter } from "@gantry/lab/any-character.fixture.ts";
import { compatibilityPartitioner } from "@platformatic/kafka";
import fc from "fast-check";
import kafkajs from "kafkajs";

test("a key is in the same partition with either client", () => {
  const place = kafkajs.Partitioners.DefaultPartitioner();
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter, minLength: 1 }), fc.integer({ min: 1, max: 500 }), (key, count) => {
      const partitionMetadata = Array.from({ length: count }, (_, partitionId) => partition(partitionId));
      const message = { key, value: "", headers: {} };
      const ofKafkajs = place({ topic: "events", partitionMetadata, message });
      const bytes = Buffer.from(key);
      // The library takes the answer modulo the number of partitions.
      assert.equal(compatibilityPartitioner({ topic: "events", value: "" }, bytes) % count, ofKafkajs);
    }),
  );
});

function partition(partitionId: number) {
  return { partitionId, leader: 1, replicas: [1], isr: [1], partitionErrorCode: 0 };
}
