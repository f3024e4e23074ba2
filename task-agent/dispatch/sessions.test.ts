import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { openSessions } from "./sessions.ts";

const WAIT_MS = 25_000;
const FACTS = {
  site: "seoul",
  labels: [],
  slots: 1,
  version: "test",
  host: { name: "test", platform: "test", cpus: 1, memoryMb: 1 },
  systems: [],
  running: [],
};

test("polls that began together end spread over the last fifth of their time", async () => {
  const clock = new SteppedClock();
  const nothing = (): void => {};
  const sessions = openSessions({ clock, newId: randomUUID, aliveMs: 60_000, onSlotsFree: nothing, onEnded: nothing });
  const gone = new AbortController().signal;
  let ended = 0;
  for (let n = 0; n < 200; n += 1) {
    const session = sessions.open({
      ...FACTS,
      runner: `seoul-${n}`,
      bootId: randomUUID(),
    });
    void sessions.poll(session, 1, WAIT_MS, gone).then(() => {
      ended += 1;
    });
  }
  const counts: number[] = [];
  for (const ms of [0.79 * WAIT_MS, 0.11 * WAIT_MS, 0.11 * WAIT_MS]) {
    await clock.pass(ms);
    counts.push(ended);
  }
  const [early = 0, half = 0, all = 0] = counts;
  assert.deepEqual([early, all], [0, 200]);
  assert.ok(half > 50 && half < 150, `${half} of 200 in the first half of it`);
});

test("a runner that has gone was heard last when it was heard last, not when it registered", async () => {
  const clock = new SteppedClock();
  const nothing = (): void => {};
  const sessions = openSessions({ clock, newId: randomUUID, aliveMs: 60_000, onSlotsFree: nothing, onEnded: nothing });
  const { id } = sessions.open({ ...FACTS, runner: "seoul-1", bootId: randomUUID() });
  await clock.pass(300_000);
  sessions.use(id, "seoul");
  const heard = new Date(clock.nowMs()).toISOString();
  await clock.pass(60_000);
  sessions.end("seoul-1");
  await clock.pass(60_000);
  assert.equal(sessions.lastHeard("seoul-1"), heard);
  assert.equal(sessions.lastHeard("seoul-2"), undefined);
});

test("a runner that lost a job does not count as alive while its poll is open, unless it has asked for something since", async () => {
  const clock = new SteppedClock();
  const nothing = (): void => {};
  const sessions = openSessions({ clock, newId: randomUUID, aliveMs: 60_000, onSlotsFree: nothing, onEnded: nothing });
  const session = sessions.open({ ...FACTS, runner: "seoul-1", bootId: randomUUID() });
  const renewedMs = clock.monotonicMs();
  await clock.pass(1_000);
  void sessions.poll(sessions.use(session.id, "seoul"), 1, WAIT_MS, new AbortController().signal);
  await clock.pass(10_000);
  const isAlive = (): boolean => sessions.facts(session).alive;
  sessions.doubt("seoul-1", renewedMs);
  assert.equal(isAlive(), true, "its poll came after the time until which it could have been stopped");
  sessions.doubt("seoul-1", renewedMs + 4_000);
  assert.equal(isAlive(), false);
  sessions.use(session.id, "seoul");
  assert.equal(isAlive(), true);
});
