// The relay on a bus and a journal in memory, with outages, lost replies, crashes and two agents at once.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@gantry/core/json.ts";
import { testRuns } from "@gantry/core/test-runs.fixture.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { type BusMessage, MAX_BATCH_BYTES, messageBytes } from "@gantry/wire/bus/bus.ts";
import { decodeEvent, MAX_EVENT_BYTES } from "@gantry/wire/bus/event-codec.ts";
import { type MemoryBus, openMemoryBus } from "@gantry/wire/bus/memory-bus.ts";
import fc from "fast-check";
import { AGENT_INDEXES } from "../store/indexes.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { openFeed } from "./feed.ts";
import { batchesOf, type Relay, relayStream, startRelay } from "./relay.ts";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

class RelayFixture {
  readonly clock = new SteppedClock();
  readonly journal: Journal = openMemoryJournal({ indexes: [...AGENT_INDEXES], clock: this.clock });
  readonly bus: MemoryBus = openMemoryBus(2);
  readonly #versions = new Map<string, number>();

  start(relayId = "one"): Relay {
    const read = async (id: string): Promise<TaskRecord> => recordOf(id);
    const tasks = { listen: () => {}, read, readAtLeast: read } as unknown as Tasks;
    const { clock, journal, bus } = this;
    return startRelay({
      feed: openFeed(journal, tasks, clock),
      tasks,
      journal,
      bus,
      relayId,
      clock,
      random: () => 0.5,
      logger: quiet,
    });
  }

  async add(task: string, ...facts: readonly JsonObject[]): Promise<void> {
    const expected = this.#versions.get(task) ?? 0;
    const events = facts.map((fact) => ({ at: 1, ...fact }));
    await this.journal.append([{ stream: `task/${task}`, expected, events, snapshot: {} }]);
    this.#versions.set(task, expected + facts.length);
  }

  /** The last event of each task, as a consumer that drops duplicates sees it. Throws when an event is missing or out of order. */
  seen(): { readonly [task: string]: number } {
    const last = new Map<string, number>();
    for (const { key, headers } of this.bus.partitions.flat()) {
      const seq = Number(headers.taskseq);
      const before = last.get(key) ?? 0;
      assert.ok(seq <= before + 1, `task ${key}: ${seq} came after ${before}`);
      last.set(key, Math.max(before, seq));
    }
    return Object.fromEntries([...last].sort());
  }

  get expected(): { readonly [task: string]: number } {
    return Object.fromEntries([...this.#versions].sort());
  }

  get published(): number {
    return this.bus.partitions.flat().length;
  }

  async until(reached: () => boolean | Promise<boolean>): Promise<void> {
    for (let round = 0; round < 2_000; round += 1) {
      if (await reached()) return;
      await this.clock.pass(500);
    }
    throw new Error(`the condition was not met in time: ${JSON.stringify([this.seen(), this.expected])}`);
  }

  async untilAllPublished(): Promise<void> {
    await this.until(() => JSON.stringify(this.seen()) === JSON.stringify(this.expected));
  }
}

function recordOf(id: string): TaskRecord {
  const state = {
    id,
    pipeline: "cd",
    title: `Run CD: ${id}`,
    requestedBy: "kim",
    url: `https://p/tasks/${id}`,
    jobs: {},
  };
  return {
    state,
    version: 1,
    pipeline: { jobs: [], finally: [], params: { properties: {} } },
  } as unknown as TaskRecord;
}

test("every event is published once and in order, and a new process continues where the last one stopped", async () => {
  const fixture = new RelayFixture();
  const relay = fixture.start();
  await fixture.add("t1", { kind: "TaskRequested" }, { kind: "JobReady", job: "a" });
  await fixture.add("t2", { kind: "TaskRequested" });
  await fixture.journal.append([{ stream: "app/orders", expected: 0, events: [{ kind: "AppMade" }], snapshot: {} }]);
  await fixture.untilAllPublished();
  // 4 when the event of the app was in the same page.
  await fixture.until(() => [3, 4].includes(relay.state().seq));
  await relay.stop();
  await fixture.add("t1", { kind: "TaskCancelRequested", by: "kim" });
  const next = fixture.start();
  await fixture.untilAllPublished();
  await next.stop();
  assert.equal(fixture.published, 4);
  const facts = fixture.bus.partitions.flat().map((message) => decodeEvent(message)?.data.event.kind);
  assert.deepEqual(facts.toSorted(), ["JobReady", "TaskCancelRequested", "TaskRequested", "TaskRequested"]);
});

test("while the bus is down events wait in the journal, and are published when it is up again", async () => {
  const fixture = new RelayFixture();
  fixture.bus.setDown(true);
  const relay = fixture.start();
  for (let round = 0; round < 20; round += 1) {
    for (const task of ["t1", "t2", "t3"]) {
      await fixture.add(task, ...Array.from({ length: 10 }, () => ({ kind: "TaskUnblocked" })));
    }
    await fixture.clock.pass(60_000);
  }
  assert.equal(fixture.published, 0);
  assert.equal(relay.state().up, false);
  assert.ok(relay.state().waitingSince !== undefined);
  fixture.bus.setDown(false);
  await fixture.untilAllPublished();
  await fixture.until(() => relay.state().up);
  assert.equal(relay.state().waitingSince, undefined);
  await relay.stop();
});

test("of two agents one publishes, and the other takes over when it stops", async () => {
  const fixture = new RelayFixture();
  const one = fixture.start("one");
  await fixture.add("t1", { kind: "TaskRequested" });
  await fixture.untilAllPublished();
  await fixture.until(async () => (await fixture.journal.load(relayStream.name())) !== undefined);
  const two = fixture.start("two");
  for (let round = 0; round < 10; round += 1) {
    await fixture.add("t1", { kind: "TaskUnblocked" });
    await fixture.untilAllPublished();
    await fixture.clock.pass(5_000);
  }
  assert.equal(fixture.published, 11, "nothing was published twice");
  await one.stop();
  await fixture.add("t1", { kind: "TaskUnblocked" });
  await fixture.untilAllPublished();
  await two.stop();
});

test("a journal that was replaced is published from the beginning", async () => {
  const fixture = new RelayFixture();
  await fixture.journal.append([
    {
      stream: relayStream.name(),
      expected: 0,
      events: [],
      snapshot: { after: 1_000, by: "an agent of the old journal" },
    },
  ]);
  await fixture.add("t1", { kind: "TaskRequested" });
  const relay = fixture.start();
  await fixture.untilAllPublished();
  await relay.stop();
});

test("with lost messages, lost replies, outages and restarts, a consumer that drops duplicates sees no gap and no disorder", async () => {
  const action = fc.oneof(
    fc.record({
      do: fc.constant("add" as const),
      task: fc.constantFrom("t1", "t2", "t3"),
      facts: fc.integer({ min: 1, max: 5 }),
    }),
    fc.record({ do: fc.constantFrom("lost" as const, "unanswered" as const, "down" as const, "up" as const) }),
    fc.record({ do: fc.constant("restart" as const), agent: fc.constantFrom(0, 1) }),
    fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 20_000 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 30 }), async (actions) => {
      const fixture = new RelayFixture();
      const relays = [fixture.start("one"), fixture.start("two")];
      for (const one of actions) {
        if (one.do === "add")
          await fixture.add(one.task, ...Array.from({ length: one.facts }, () => ({ kind: "TaskUnblocked" })));
        if (one.do === "lost" || one.do === "unanswered") fixture.bus.failNextPublish(one.do);
        if (one.do === "down" || one.do === "up") fixture.bus.setDown(one.do === "down");
        if (one.do === "pass") await fixture.clock.pass(one.ms);
        if (one.do === "restart") {
          await relays[one.agent]?.stop();
          relays[one.agent] = fixture.start(["one", "two"][one.agent]);
        }
        fixture.seen();
      }
      fixture.bus.setDown(false);
      await fixture.untilAllPublished();
      await Promise.all(relays.map((relay) => relay.stop()));
    }),
    { numRuns: testRuns(60) },
  );
});

test("batches stay below the broker's limit, and an event that is too large is shortened", async () => {
  const fixture = new RelayFixture();
  const relay = fixture.start();
  await fixture.add("t1", { kind: "TaskRequested", params: { text: "x".repeat(2_000_000) }, requestedBy: "kim" });
  await fixture.untilAllPublished();
  await relay.stop();
  const [message] = fixture.bus.partitions.flat();
  assert.ok(message && messageBytes(message) <= MAX_EVENT_BYTES);
  const event = decodeEvent(message)?.data.event;
  assert.deepEqual(event, { at: 1, kind: "TaskRequested", requestedBy: "kim", shortened: true });

  const large: BusMessage = { key: "t", value: "x".repeat(400_000), headers: {} };
  const batches = batchesOf([large, large, large, { ...large, value: "y" }]);
  assert.deepEqual(
    batches.map((batch) => batch.length),
    [2, 2],
  );
  for (const batch of batches) assert.ok(batch.reduce((sum, one) => sum + messageBytes(one), 0) <= MAX_BATCH_BYTES);
});
