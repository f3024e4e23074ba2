import assert from "node:assert/strict";
import { test } from "node:test";
import { killAgents } from "./agents.ts";
import { noRedis } from "./server.ts";

test("two task-agents on one Redis, either killed at any time: no task is lost or waits long", {
  skip: noRedis,
}, async (t) => {
  const figures = await killAgents(2, 15, 50);
  t.diagnostic(JSON.stringify(figures));
  assert.equal(figures.lost, 0, "acknowledged and not there, or not done");
  assert.equal(figures.doubled, 0, "started twice");
  assert.ok(figures.longestMs < 4_000, `a task took ${figures.longestMs} ms`);
});
