// Old tasks, logs and deliveries are archived while the agents are killed. `npm run test:soak -- retention` runs it for longer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { noRedis } from "../../faults/redis/server.ts";
import { killWhileTasksLeave } from "./retention.ts";
import { LEFT_WELL } from "./retention-audit.ts";
import { killWhileDeliveriesLeave } from "./retention-deliveries.ts";

for (const [store, kills] of [
  ["sqlite", 1],
  ["redis", 2],
] as const) {
  test(`old tasks are archived from ${store} while agents are killed: each is complete in one place and can be read at any time`, {
    skip: store === "redis" && noRedis,
    timeout: 120_000,
  }, async (t) => {
    const figures = await killWhileTasksLeave(store, kills, { longestMs: 500, tasksPerKill: 70 / kills });
    t.diagnostic(JSON.stringify(figures));
    assert.partialDeepStrictEqual(figures, { kills, ...LEFT_WELL });
    assert.ok(figures.leftForArchive >= 60 && figures.reads > 50, "hardly anything has left, or was read");
  });
}

test("old deliveries are archived while the notify-agent is killed", { timeout: 120_000 }, async (t) => {
  const figures = await killWhileDeliveriesLeave(1, { longestMs: 200, perKill: 100 });
  t.diagnostic(JSON.stringify(figures));
  assert.partialDeepStrictEqual(figures, { leftForArchive: 100, lost: 0, damaged: 0, leftWrongly: 0 });
});
