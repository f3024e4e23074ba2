// Redis is killed, emptied, kept away and failed over while two agents write; a few times here, many times in
// npm run test:soak. The figures are printed.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
  emptyRedis,
  type Figures,
  failOver,
  failOverToTheWrongOne,
  killRedis,
  stopRedis,
} from "@gantry/lab/faults/redis/faults.ts";
import { noRedis } from "@gantry/lab/faults/redis/server.ts";

function assertSound(t: TestContext, figures: Figures): void {
  t.diagnostic(JSON.stringify(figures));
  assert.equal(figures.missing, 0, "acknowledged and not there");
  assert.equal(figures.repeatedTimes, 0, "times that were given out twice");
  assert.equal(figures.differing, 0, "acknowledged and replaced by something else");
}

test("Redis is killed 10 times: nothing acknowledged is lost", { skip: noRedis }, async (t) => {
  const figures = await killRedis(10);
  assertSound(t, figures);
  assert.equal(figures.repaired, 0, "Redis itself has kept everything");
});

test("3 failovers to the replica that had confirmed: nothing acknowledged is lost", { skip: noRedis }, async (t) => {
  const figures = await failOver(3, () => 200);
  assertSound(t, figures);
  assert.equal(figures.vanished, 0, "events that were shown and are gone");
  assert.equal(figures.ackedWhileCut, 0, "acknowledged although no replica had it");
});

test("3 failovers to a replica that was behind: the agents put back what was lost", { skip: noRedis }, async (t) => {
  const figures = await failOverToTheWrongOne(3);
  assertSound(t, figures);
  assert.ok(figures.repaired > 0, "there was something to put back");
});

test("Redis is emptied: it is noticed, and everything unfinished is put back", { skip: noRedis }, async (t) => {
  const figures = await emptyRedis(2);
  assertSound(t, figures);
  assert.ok(figures.wipes >= 2, "both agents noticed");
});

test("Redis is away for 1.5 s: calls are refused soon, memory does not grow, and work continues by itself", {
  skip: noRedis,
}, async (t) => {
  const figures = await stopRedis(1_500);
  assertSound(t, figures);
  assert.ok(figures.unknown > 0);
  assert.ok(figures.slowestRejectionMs < 2_000, `${figures.slowestRejectionMs} ms`);
  assert.ok(figures.longestRecoveryMs < 10_000, `${figures.longestRecoveryMs} ms`);
});
