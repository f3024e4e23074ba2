// Events from a bus in memory: repeats, disorder, strangers, a journal that fails, a new process.

import assert from "node:assert/strict";
import { test } from "node:test";
import { compileRules, defaultRules } from "@gantry/core/notify/compile-rules.ts";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { encodeEvent } from "@gantry/wire/bus/event-codec.ts";
import { openMemoryBus } from "@gantry/wire/bus/memory-bus.ts";
import fc from "fast-check";
import { INBOX, NOTIFY_INDEXES } from "../deliveries/delivery.ts";
import { ended, feedEvent, handClock, keepLog } from "../notify.fixture.ts";
import { type BusSource, startBusSource } from "./bus-source.ts";
import { isSeen, type Seen, withSeen } from "./decide-seen.ts";

const NO_CONTEXT = { startedAt: undefined, uses: undefined, site: undefined };

class SourceWorld {
  readonly clock = handClock();
  readonly journal = openMemoryJournal({ indexes: [...NOTIFY_INDEXES], clock: this.clock });
  readonly bus = openMemoryBus(2);
  readonly log = keepLog();
  readonly told: string[] = [];
  takenUp = 0;
  seq = 0;
  #onRead = (): void => {};

  start(): BusSource {
    return startBusSource({
      bus: this.bus,
      group: "gantry-notify",
      journal: this.journal,
      rules: compileRules(defaultRules([INBOX]), [INBOX]).rules,
      maxAgeMs: 3_600_000,
      portalUrl: undefined,
      clock: this.clock,
      logger: this.log.logger,
      onRecorded: (deliveries) => this.told.push(...deliveries.map(({ event }) => event)),
      takeUp: async () => {
        this.takenUp += 1;
      },
      onFeed: (_, seq) => {
        this.seq = seq;
        this.#onRead();
      },
    });
  }

  async publish(...events: readonly FeedEvent[]): Promise<void> {
    await this.bus.publish(events.map((event) => encodeEvent(event, NO_CONTEXT)));
  }

  /** Resolves when the event has been read, whatever became of it. */
  async read(seq: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onRead = () => this.seq >= seq && resolve();
      this.#onRead();
    });
    // And recorded: appends in memory end within this turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const endedOf = (seq: number, task: string): FeedEvent => feedEvent(seq, ended("failed"), { task });

test("an event that comes again is told once, also to a new process", async () => {
  const world = new SourceWorld();
  const first = world.start();
  await world.publish(endedOf(1, "t1"), endedOf(1, "t1"), endedOf(2, "t2"));
  await world.read(2);
  await first.stop();
  const second = world.start();
  await world.publish(endedOf(1, "t1"), endedOf(2, "t2"), endedOf(3, "t3"));
  await world.read(3);
  await second.stop();
  assert.deepEqual(world.told.toSorted(), ["t1/1", "t2/2", "t3/3"]);
});

test("what comes late is told, too: it was not seen before", async () => {
  const world = new SourceWorld();
  const source = world.start();
  const other = (seq: number): FeedEvent => feedEvent(seq, { kind: "TaskUnblocked" }, { task: "t1" });
  await world.publish(other(2), other(3), endedOf(1, "t1"), endedOf(9, "t9"));
  await world.read(9);
  await source.stop();
  assert.deepEqual(world.told.toSorted(), ["t1/1", "t9/9"]);
});

test("when the journal fails nothing is committed, and the events come again", async () => {
  for (const fault of ["lost", "unanswered"] as const) {
    const world = new SourceWorld();
    world.journal.failNextAppend(fault);
    const source = world.start();
    await world.publish(endedOf(1, "t1"));
    await new Promise((resolve) => setImmediate(resolve));
    await world.publish(endedOf(2, "t2"));
    await world.read(2);
    await source.stop();
    const inbox = await world.journal.find({ index: "inbox", limit: 10 });
    assert.equal(inbox.items.length, 2, fault);
    assert.ok(world.takenUp > 0, "what may have been recorded is looked for");
  }
});

test("messages of others are passed over, with a line in the log", async () => {
  const world = new SourceWorld();
  const source = world.start();
  await world.bus.publish([{ key: "t1", value: "not an event", headers: {} }]);
  await world.publish(endedOf(1, "t1"));
  await world.read(1);
  await source.stop();
  assert.deepEqual(world.told, ["t1/1"]);
  assert.ok(world.log.lines.some(({ message }) => message.includes("none of Gantry's")));
});

test("what was seen is seen, in whatever order it came, and nothing else", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 60 }), (numbers) => {
      const seen = numbers.reduce<Seen>(withSeen, []);
      for (let seq = 1; seq <= 60; seq += 1) assert.equal(isSeen(seen, seq), numbers.includes(seq));
      for (const [at, [from]] of seen.entries()) assert.ok(at === 0 || from > (seen[at - 1]?.[1] ?? 0) + 1);
    }),
  );
  const holes = Array.from({ length: 500 }, (_, at) => at * 2).reduce<Seen>(withSeen, []);
  assert.ok(holes.length <= 50);
});
