// Agents that share a journal know the position of every reader, whichever agent it asked last.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { openReaders } from "./readers.ts";

test("the newest acknowledgement of a reader counts at every agent and after a restart, also when it went back", async () => {
  const clock = new SteppedClock();
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES, clock });
  const [one, two] = [openReaders(journal, clock), openReaders(journal, clock)];
  const positions = async (readers: typeof one) => (await readers.all()).map(({ name, after }) => [name, after]);
  assert.deepEqual(await positions(one), []);
  one.acknowledge("notify-agent", 10);
  one.acknowledge("audit", 3);
  await clock.pass(1_000);
  two.acknowledge("notify-agent", 20);
  assert.deepEqual(await positions(one), [
    ["notify-agent", 10],
    ["audit", 3],
  ]);
  assert.deepEqual(Object.fromEntries(await positions(two)), { "notify-agent": 20, audit: 3 });
  assert.deepEqual(
    Object.fromEntries(await positions(one)),
    { "notify-agent": 20, audit: 3 },
    "an older acknowledgement changes nothing",
  );
  await clock.pass(1_000);
  one.acknowledge("notify-agent", 5);
  assert.deepEqual(Object.fromEntries(await positions(one)), { "notify-agent": 5, audit: 3 });
  assert.deepEqual(Object.fromEntries(await positions(openReaders(journal, clock))), { "notify-agent": 5, audit: 3 });
  const [first] = await one.all();
  await clock.pass(60_000);
  assert.equal((await one.all())[0]?.atMs, first?.atMs, "the time of the last acknowledgement does not move");
});

test("at most a hundred names are stored", async () => {
  const clock = new SteppedClock();
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES, clock });
  const readers = openReaders(journal, clock);
  for (let n = 0; n < 150; n += 1) readers.acknowledge(`reader-${n}`, n);
  assert.equal((await readers.all()).length, 100);
});
