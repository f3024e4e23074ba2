// Several agents on one journal know how far every reader has come, whichever of them it asked last.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { AGENT_INDEXES } from "../tasks/tasks.ts";
import { openReaders } from "./readers.ts";

test("the newest word of a reader counts, also when it went back, at every agent, and after a restart", async () => {
  const clock = new SteppedClock();
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES, clock });
  const [one, two] = [openReaders(journal, clock), openReaders(journal, clock)];
  const places = async (readers: typeof one) => (await readers.all()).map(({ name, after }) => [name, after]);
  assert.deepEqual(await places(one), []);
  one.heard("notify-agent", 10);
  one.heard("audit", 3);
  await clock.pass(1_000);
  two.heard("notify-agent", 20);
  assert.deepEqual(await places(one), [
    ["notify-agent", 10],
    ["audit", 3],
  ]);
  assert.deepEqual(Object.fromEntries(await places(two)), { "notify-agent": 20, audit: 3 });
  assert.deepEqual(
    Object.fromEntries(await places(one)),
    { "notify-agent": 20, audit: 3 },
    "an older word changes nothing",
  );
  await clock.pass(1_000);
  one.heard("notify-agent", 5);
  assert.deepEqual(Object.fromEntries(await places(one)), { "notify-agent": 5, audit: 3 });
  assert.deepEqual(Object.fromEntries(await places(openReaders(journal, clock))), { "notify-agent": 5, audit: 3 });
  const [first] = await one.all();
  await clock.pass(60_000);
  assert.equal((await one.all())[0]?.atMs, first?.atMs, "silence is seen");
});

test("no more than a hundred names are kept", async () => {
  const clock = new SteppedClock();
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES, clock });
  const readers = openReaders(journal, clock);
  for (let n = 0; n < 150; n += 1) readers.heard(`reader-${n}`, n);
  assert.equal((await readers.all()).length, 100);
});
