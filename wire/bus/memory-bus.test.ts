import assert from "node:assert/strict";
import { test } from "node:test";
import { busSuite, manyMessages } from "./bus.suite.ts";
import { openMemoryBus } from "./memory-bus.ts";

busSuite("memory", async () => {
  const bus = openMemoryBus();
  // Another client of the same topic; closing the topic closes the client too.
  return { open: () => bus };
});

test("a lost batch is not stored, an unanswered one is: the publisher cannot tell the difference", async () => {
  const bus = openMemoryBus(1);
  bus.failNextPublish("lost");
  await assert.rejects(bus.publish(manyMessages(["a"], 2)));
  assert.equal(bus.partitions[0]?.length, 0);
  bus.failNextPublish("unanswered");
  await assert.rejects(bus.publish(manyMessages(["a"], 2)));
  assert.equal(bus.partitions[0]?.length, 2);
  bus.setDown(true);
  await assert.rejects(bus.publish(manyMessages(["a"], 1)));
  assert.deepEqual(bus.health(), { up: false, problem: "It is set down." });
});
