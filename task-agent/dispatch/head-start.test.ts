// Of several agents that have a runner for a job, the one that made it ready offers it first.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { type MemoryStore, newMemoryStore } from "@gantry/journal/memory/memory.ts";
import { openWorld } from "../agent.fixture.ts";

const NEVER = new AbortController().signal;
const host = { name: "test", platform: "test", cpus: 1, memoryMb: 1 };

test("the other agent offers a job only when the one that made it ready has had its time", async () => {
  const store = newMemoryStore();
  const [first, second] = [await member(store, "first", true), await member(store, "second", true)];
  await first.agent.tick();
  await second.agent.tick();
  await first.start("a");
  await second.hear();
  assert.deepEqual([await first.offers(), await second.offers()], [1, 0]);
  await second.clock.pass(280);
  assert.equal(await second.offers(), 0);
  await second.clock.pass(30);
  assert.equal(await second.offers(), 1);
});

test("it offers it at once when the other has no runner for it", async () => {
  const store = newMemoryStore();
  const [first, second] = [await member(store, "first", false), await member(store, "second", true)];
  await first.agent.tick();
  await second.agent.tick();
  await first.start("a");
  await second.hear();
  assert.equal(await second.offers(), 1);
});

/** An agent, with a free runner signed in at it or without. */
async function member(store: MemoryStore, name: string, withRunner: boolean) {
  const world = await openWorld({ store, name });
  const { protocol } = world.agent;
  const runner = `seoul-${name}`;
  const facts = { runner, bootId: randomUUID(), labels: [], slots: 1, version: "test", host, systems: [], running: [] };
  const session = withRunner ? (await protocol.session({ ...facts, site: "seoul" }, "seoul")).session : "";
  const offers = async (): Promise<number> => {
    const polling = protocol.poll({ session, freeSlots: 1, waitMs: 0 }, "seoul", NEVER);
    await world.clock.pass(0);
    return (await polling).offers.length;
  };
  if (withRunner) assert.equal(await offers(), 0);
  const hear = async (): Promise<void> => {
    // What comes close behind other events is read some milliseconds later, together.
    await world.clock.pass(10);
    world.wake();
    await world.clock.pass(10);
    for (let round = 0; round < 10; round += 1) await new Promise(setImmediate);
  };
  return { ...world, offers, hear };
}
