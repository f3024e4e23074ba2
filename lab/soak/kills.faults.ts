// Short forms of the soak tests of killed and suspended processes; network.faults.ts has more. `npm run test:soak` runs all for
// longer. Figures are in docs/promises.md.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { killAgent } from "./kills/kill-agent.ts";
import { killRunner } from "./kills/kill-runner.ts";
import { pauseRunner } from "./kills/pause-runner.ts";
import { cancelAtOnce, raceForClaims } from "./kills/races.ts";

const LONG = { timeout: 170_000 };
const noProc = existsSync("/proc/self/environ") ? false : "the test reads /proc";

test("kill -9 of the agent under load loses no acknowledged task", LONG, async () => {
  const { acknowledged, missing, unknown, damaged } = await killAgent(5, 400);
  assert.ok(acknowledged > 30, `${acknowledged} acknowledged`);
  assert.deepEqual({ missing, unknown, damaged }, { missing: 0, unknown: 0, damaged: 0 });
});

test("kill -9 of a busy runner: tasks succeed, no process is left, no effect is repeated", {
  ...LONG,
  skip: noProc,
}, async () => {
  const { kills, succeeded, running, leftBehind, ...rest } = await killRunner(1, [
    "claimed",
    "started",
    "mid-script",
    "mid-script, guard too",
    "mid-effect",
    "before report",
  ]);
  assert.deepEqual([kills, succeeded], [6, 6]);
  const { doubleEffects, outlived, orphans, wrongStarted } = rest;
  assert.deepEqual([doubleEffects, outlived, orphans, wrongStarted], [0, 0, 0, 0]);
  assert.ok(leftBehind > 0 && running > leftBehind, "no script was running, so the test shows nothing");
});

test("a runner that was stopped for longer than its lease changes nothing after it resumes", LONG, async () => {
  const { starved, longestAwakeMs, shortestGapMs, ...figures } = await pauseRunner(1);
  assert.deepEqual(figures, { pauses: 1, succeeded: 1, unexplained: 0, extraChanges: 0, staleFacts: 0, overlaps: 0 });
  assert.ok(shortestGapMs > 0);
  assert.ok(longestAwakeMs < 2_000, `${longestAwakeMs} ms`);
});

test("20 runners that claim the same 200 jobs get 200 claims, none twice", LONG, async () => {
  const { granted, double, ended, open, refused } = await raceForClaims(20, 200);
  assert.deepEqual({ granted, double, ended, open }, { granted: 200, double: 0, ended: 200, open: 0 });
  assert.ok(refused > 0, "no claim was refused, so the test shows nothing");
});

test("200 tasks canceled at the same time, each twice", LONG, async () => {
  const { canceled, strange } = await cancelAtOnce(200);
  assert.deepEqual({ canceled, strange }, { canceled: 200, strange: 0 });
});
