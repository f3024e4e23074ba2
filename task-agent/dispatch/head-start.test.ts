// When several agents have a runner for a job, the agent that made the job ready offers it first.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { type MemoryStore, newMemoryStore } from "@gantry/journal/memory/memory.ts";
import { openTestAgent } from "../agent.fixture.ts";

const NEVER = new AbortController().signal;
const host = { name: "test", platform: "test", cpus: 1, memoryMb: 1 };

test("the other agent offers a job only after the head start of the agent that made it ready", async () => {
  const store = newMemoryStore();
  const [first, second] = [await member(store, "first", true), await member(store, "second", true)];
  await first.agent.tick();
  await second.agent.tick();
  await first.start("a");
  await second.readPeerEvents();
  assert.deepEqual([await first.offers(), await second.offers()], [1, 0]);
  await second.clock.pass(280);
  assert.equal(await second.offers(), 0);
  await second.clock.pass(30);
  assert.equal(await second.offers(), 1);
});

test("the other agent offers a job at once when the agent that made it ready has no runner for it", async () => {
  const store = newMemoryStore();
  const [first, second] = [await member(store, "first", false), await member(store, "second", true)];
  await first.agent.tick();
  await second.agent.tick();
  await first.start("a");
  await second.readPeerEvents();
  assert.equal(await second.offers(), 1);
});

/** An agent on the shared store, with or without a free runner. */
async function member(store: MemoryStore, name: string, withRunner: boolean) {
  const fixture = await openTestAgent({ store, name });
  const { protocol } = fixture.agent;
  const runner = `seoul-${name}`;
  const facts = { runner, bootId: randomUUID(), labels: [], slots: 1, version: "test", host, systems: [], running: [] };
  const session = withRunner ? (await protocol.session({ ...facts, site: "seoul" }, "seoul")).session : "";
  const offers = async (): Promise<number> => {
    const polling = protocol.poll({ session, freeSlots: 1, waitMs: 0 }, "seoul", NEVER);
    await fixture.clock.pass(0);
    return (await polling).offers.length;
  };
  if (withRunner) assert.equal(await offers(), 0);
  const readPeerEvents = async (): Promise<void> => {
    // Events that follow closely are read together some milliseconds later.
    await fixture.clock.pass(10);
    fixture.wake();
    await fixture.clock.pass(10);
    for (let round = 0; round < 10; round += 1) await new Promise(setImmediate);
  };
  return { ...fixture, offers, readPeerEvents };
}
