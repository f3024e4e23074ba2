import assert from "node:assert/strict";
import { test } from "node:test";
import { rollingRestart } from "./rolling.ts";
import { noRedis } from "./server.ts";

test("two task-agents and two runners, each stopped and restarted under load: nothing is lost or done twice", {
  skip: noRedis,
}, async (t) => {
  const calm = await rollingRestart(0, 20, 200);
  const rolled = await rollingRestart(1, 8, 200);
  t.diagnostic(JSON.stringify({ calm, rolled }));
  assert.deepEqual([rolled.lost, rolled.doubled, rolled.badExits], [0, 0, 0]);
  assert.ok(rolled.longestAgentStopMs < 5_000, `an agent took ${rolled.longestAgentStopMs} ms to end`);
  assert.ok(rolled.longestRunnerStopMs < 10_000, `a runner took ${rolled.longestRunnerStopMs} ms to end`);
  // 2 s are promised; a machine that also does other work gets two more.
  assert.ok(rolled.longestMs < calm.longestMs + 4_000, `a task took ${rolled.longestMs} ms, without ${calm.longestMs}`);
});
