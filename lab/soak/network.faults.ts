// Short forms of the soak tests for cut connections, overloaded machines and the death of all processes; see kills.faults.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { killAll } from "./kills/kill-all.ts";
import { killRunner } from "./kills/kill-runner.ts";
import { cutConnection } from "./network/cut.ts";
import { floodAndSpin } from "./network/flood.ts";
import { noNamespaces, openNamespaces } from "./network/namespaces.ts";

const LONG = { timeout: 170_000 };
const KEPT = { cuts: 2, buildsInOne: 2, equalLogs: 2, deployments: 2, disorder: 0, unexplained: 0, overlaps: 0 };

test(
  "a cut connection: a build continues and loses no log byte, and a deployment never overlaps with itself",
  LONG,
  async () => {
    const [both, answers] = [{ up: true, down: true }, { down: true }];
    const figures = await cutConnection([
      { fault: both, ms: 5_000 },
      { fault: answers, ms: 5_000 },
    ]);
    const { shortestGapMs, starved, ...rest } = figures;
    assert.deepEqual(rest, KEPT);
    assert.ok(shortestGapMs > 0);
  },
);

test("the same with the runner in its own network namespace, where packets are dropped silently", {
  ...LONG,
  skip: noNamespaces() ?? false,
}, async () => {
  const [both, requests] = [{ up: true, down: true }, { up: true }];
  const figures = await cutConnection(
    [
      { fault: both, ms: 5_000 },
      { fault: requests, ms: 5_000 },
    ],
    { open: openNamespaces },
  );
  const { shortestGapMs, starved, ...rest } = figures;
  assert.deepEqual(rest, KEPT);
  assert.ok(shortestGapMs > 0);
});

test(
  "kill -9 of the agent and all runners at once: no task is lost, no effect is repeated, every task ends",
  LONG,
  async () => {
    const { acknowledged, missing, unknown, otherEnds, wrongChanges } = await killAll(2, 4_000);
    assert.ok(acknowledged > 50, `${acknowledged} acknowledged`);
    assert.deepEqual([missing, unknown, otherEnds, wrongChanges], [0, 0, 0, 0]);
  },
);

test("kill -9 of a runner before its claim and after its report", LONG, async () => {
  const { kills, succeeded, doubleEffects, orphans, wrongStarted } = await killRunner(1, [
    "before claim",
    "after report",
  ]);
  assert.deepEqual([kills, succeeded, doubleEffects, orphans, wrongStarted], [2, 2, 0, 0, 0]);
});

test("a step that spins and a step that floods its log delay no lease renewal", LONG, async () => {
  const { missed, attempts, outcomes, longestSilenceMs } = await floodAndSpin(3);
  assert.deepEqual({ missed, attempts, outcomes }, { missed: 0, attempts: 2, outcomes: "succeeded succeeded" });
  assert.ok(longestSilenceMs < 3_000, `${longestSilenceMs} ms`);
});
