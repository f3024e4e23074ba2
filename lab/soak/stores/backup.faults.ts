// The restore drill of docs/operations.md for both stores. `npm run test:soak -- backup` runs it with more tasks.

import assert from "node:assert/strict";
import { test } from "node:test";
import { noRedis } from "../../faults/redis/server.ts";
import { backUpAndRestore } from "./backup.ts";

for (const store of ["sqlite", "redis"] as const) {
  test(`${store}: tasks from before a backup are there after everything was wiped and restored`, {
    skip: store === "redis" && noRedis,
    timeout: 120_000,
  }, async (t) => {
    const figures = await backUpAndRestore(store, 200);
    t.diagnostic(JSON.stringify(figures));
    assert.ok(figures.tasks > 200);
    assert.deepEqual([figures.missing, figures.unknown], [0, 0]);
  });
}
