import assert from "node:assert/strict";
import { test } from "node:test";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { openChannelQueue } from "./channel-queue.ts";
import { type Delivery, NOTIFY_INDEXES, recordDelivery } from "./delivery.ts";

const silent = (): void => {};
const logger = { debug: silent, info: silent, warn: silent, error: silent };
const policy = { firstRetryMs: 2_000, maxRetryMs: 60_000, maxTries: 10, giveUpAfterMs: 86_400_000, sendMs: 30_000 };
const HOURS = 3_600_000;

function pending(nowMs: number, nextTryMs: number): Delivery {
  return {
    key: "rule/what/chat",
    id: "1",
    rule: "rule",
    channel: "chat",
    to: null,
    event: "t1/1",
    task: "t1",
    app: null,
    content: { thread: "t1", state: "succeeded", title: "done", text: "done", facts: [], link: undefined },
    atMs: nowMs,
    createdMs: nowMs,
    state: "pending",
    tries: 0,
    nextTryMs,
    deliveredMs: null,
    problem: null,
    ref: null,
  };
}

async function openQueue(clock: SteppedClock, delivery: Delivery, isPaused = (): boolean => false) {
  const journal = openMemoryJournal({ indexes: NOTIFY_INDEXES, clock });
  await journal.append([recordDelivery(delivery, 0, { kind: "DeliveryRecorded" })]);
  let sent = 0;
  const send = async () => {
    sent += 1;
    return sent === 1 ? ({ kind: "retry", problem: "down" } as const) : ({ kind: "delivered" } as const);
  };
  const deps = { journal, policy, clock, random: () => 1, logger, onTried: silent, isPaused };
  const queue = openChannelQueue(deps, "chat", { send });
  queue.add(delivery);
  queue.pump();
  return { sent: () => sent, pump: queue.pump };
}

test("setting the system clock back does not delay a retry", async () => {
  const clock = new SteppedClock();
  const queue = await openQueue(clock, pending(clock.nowMs(), clock.nowMs()));
  await clock.pass(0);
  assert.equal(queue.sent(), 1);
  clock.jumpWall(-2 * HOURS);
  await clock.pass(policy.firstRetryMs);
  assert.equal(queue.sent(), 2);
});

test("a retry time recorded by a fast clock is limited to the longest delay", async () => {
  const clock = new SteppedClock();
  const queue = await openQueue(clock, pending(clock.nowMs(), clock.nowMs() + 2 * HOURS));
  await clock.pass(policy.maxRetryMs);
  assert.equal(queue.sent(), 1);
});

test("while notifications are paused none is sent; afterwards all are", async () => {
  const clock = new SteppedClock();
  let isPaused = true;
  const queue = await openQueue(clock, pending(clock.nowMs(), clock.nowMs()), () => isPaused);
  await clock.pass(HOURS);
  assert.equal(queue.sent(), 0);
  isPaused = false;
  queue.pump();
  await clock.pass(policy.firstRetryMs);
  assert.equal(queue.sent(), 2);
});
