// Events from a bus in memory: repeated, out of order, foreign ones, a failing journal, a new process.

import assert from "node:assert/strict";
import { test } from "node:test";
import { compileRules, defaultRules } from "@gantry/core/notify/compile-rules.ts";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { encodeEvent } from "@gantry/wire/bus/event-codec.ts";
import { openMemoryBus } from "@gantry/wire/bus/memory-bus.ts";
import fc from "fast-check";
import { INBOX, NOTIFY_INDEXES } from "../deliveries/delivery.ts";
import { captureLog, ended, feedEvent, manualClock } from "../notify.fixture.ts";
import { type BusSource, startBusSource } from "./bus-source.ts";
import { isSeen, type Seen, withSeen } from "./decide-seen.ts";

const NO_CONTEXT = { startedAt: undefined, uses: undefined, site: undefined };

class SourceBench {
  readonly clock = manualClock();
  readonly journal = openMemoryJournal({ indexes: [...NOTIFY_INDEXES], clock: this.clock });
  readonly bus = openMemoryBus(2);
  readonly log = captureLog();
  readonly recorded: string[] = [];
  takenUp = 0;
  seq = 0;
  #onRead = (): void => {};

  start(): BusSource {
    return startBusSource({
      bus: this.bus,
      group: "gantry-notify",
      journal: this.journal,
      rules: () => compileRules(defaultRules([INBOX]), [INBOX]).rules,
      maxAgeMs: 3_600_000,
      portalUrl: undefined,
      hasCallbacks: false,
      clock: this.clock,
      logger: this.log.logger,
      onRecorded: (deliveries) => this.recorded.push(...deliveries.map(({ event }) => event)),
      resumePending: async () => {
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
    // It is recorded as well: appends in memory end within this turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const endedOf = (seq: number, task: string): FeedEvent => feedEvent(seq, ended("failed"), { task });

test("a repeated event is sent once, also after a restart", async () => {
  const env = new SourceBench();
  const first = env.start();
  await env.publish(endedOf(1, "t1"), endedOf(1, "t1"), endedOf(2, "t2"));
  await env.read(2);
  await first.stop();
  const second = env.start();
  await env.publish(endedOf(1, "t1"), endedOf(2, "t2"), endedOf(3, "t3"));
  await env.read(3);
  await second.stop();
  assert.deepEqual(env.recorded.toSorted(), ["t1/1", "t2/2", "t3/3"]);
});

test("an event that arrives late is sent", async () => {
  const env = new SourceBench();
  const source = env.start();
  const other = (seq: number): FeedEvent => feedEvent(seq, { kind: "TaskUnblocked" }, { task: "t1" });
  await env.publish(other(2), other(3), endedOf(1, "t1"), endedOf(9, "t9"));
  await env.read(9);
  await source.stop();
  assert.deepEqual(env.recorded.toSorted(), ["t1/1", "t9/9"]);
});

test("when the journal fails, nothing is committed and the events are read again", async () => {
  for (const fault of ["lost", "unanswered"] as const) {
    const env = new SourceBench();
    env.journal.failNextAppend(fault);
    const source = env.start();
    await env.publish(endedOf(1, "t1"));
    await new Promise((resolve) => setImmediate(resolve));
    await env.publish(endedOf(2, "t2"));
    await env.read(2);
    await source.stop();
    const inbox = await env.journal.find({ index: "inbox", limit: 10 });
    assert.equal(inbox.items.length, 2, fault);
    assert.ok(env.takenUp > 0, "what may have been recorded is looked for");
  }
});

test("foreign messages are ignored, with a line in the log", async () => {
  const env = new SourceBench();
  const source = env.start();
  await env.bus.publish([{ key: "t1", value: "not an event", headers: {} }]);
  await env.publish(endedOf(1, "t1"));
  await env.read(1);
  await source.stop();
  assert.deepEqual(env.recorded, ["t1/1"]);
  assert.ok(env.log.lines.some(({ message }) => message.includes("not events of Gantry")));
});

test("exactly the processed numbers are in the ranges, in any order of arrival", () => {
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
