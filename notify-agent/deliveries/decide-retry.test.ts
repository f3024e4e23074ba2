import assert from "node:assert/strict";
import { test } from "node:test";
import type { SendResult } from "@gantry/core/notify/channel.ts";
import fc from "fast-check";
import { type DeliveryPolicy, decideRetry } from "./decide-retry.ts";
import type { Delivery } from "./delivery.ts";

const DAY = 24 * 3_600_000;
const policy: DeliveryPolicy = {
  firstRetryMs: 1_000,
  maxRetryMs: 60_000,
  maxTries: 50,
  giveUpAfterMs: 3 * DAY,
  sendMs: 1,
};

const fresh: Delivery = {
  key: "rule/t01/ops",
  id: "1",
  rule: "rule",
  channel: "ops",
  to: null,
  event: "t01/1",
  task: "t01",
  app: null,
  content: { thread: "t01", state: "failed", title: "t", text: "", facts: [], link: undefined },
  atMs: 0,
  createdMs: 0,
  state: "pending",
  tries: 0,
  nextTryMs: 0,
  deliveredMs: null,
  problem: null,
  ref: null,
};

test("a retry waits at least as long as the other side requests", () => {
  const after = decideRetry(fresh, { kind: "retry", problem: "429", afterMs: 9_000 }, 100, 0, policy);
  assert.deepEqual([after.state, after.nextTryMs, after.problem], ["pending", 9_100, "429"]);
});

test("a retry after the time limit is given up at once", () => {
  const after = decideRetry(fresh, { kind: "retry", problem: "x", afterMs: 4 * DAY }, 100, 0, policy);
  assert.deepEqual([after.state, after.nextTryMs], ["given-up", null]);
});

test("for any results, every attempt counts, delays are limited, and the retries end", () => {
  const result: fc.Arbitrary<SendResult> = fc.oneof(
    { weight: 1, arbitrary: fc.constant<SendResult>({ kind: "delivered" }) },
    { weight: 1, arbitrary: fc.constant<SendResult>({ kind: "refused", problem: "no" }) },
    {
      weight: 20,
      arbitrary: fc.nat({ max: 120_000 }).map((afterMs): SendResult => ({ kind: "retry", problem: "later", afterMs })),
    },
  );
  fc.assert(
    fc.property(fc.infiniteStream(fc.tuple(result, fc.double({ min: 0, max: 1, noNaN: true }))), (answers) => {
      let delivery = fresh;
      let now = 0;
      for (const [answer, random] of answers) {
        const next = decideRetry(delivery, answer, now, random, policy);
        assert.equal(next.tries, delivery.tries + 1);
        assert.equal(next.state === "pending", next.nextTryMs !== null);
        assert.equal(next.state === "delivered", next.deliveredMs !== null);
        if (next.nextTryMs === null) return next.state !== "pending";
        assert.ok(next.nextTryMs > now && next.nextTryMs <= now + 120_000 && next.tries < policy.maxTries);
        now = next.nextTryMs;
        delivery = next;
      }
      return false;
    }),
  );
});
