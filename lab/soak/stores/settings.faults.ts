// A setting reaches every process within ten seconds. `npm run test:soak -- settings` runs it for longer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { noRedis } from "../../faults/redis/server.ts";
import { changeSettingsEverywhere } from "./settings.ts";

test("a setting that was changed by the command is in force in every process within ten seconds, also after a restart", {
  skip: noRedis,
  timeout: 120_000,
}, async (t) => {
  const figures = await changeSettingsEverywhere(1);
  t.diagnostic(JSON.stringify(figures));
  assert.equal(Object.keys(figures.heardMs).length, 5);
  assert.equal(Object.keys(figures.afterAwayMs).length, 3);
  assert.equal(figures.late, 0);
});
