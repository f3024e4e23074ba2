// Disks that are full, that cannot sync, and how often is synced: short form of what `npm run test:soak` plays for longer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { countSyncs, failSync, fillDisk, noStrace, noTmpfs } from "./disk.ts";

const LONG = { timeout: 170_000 };

test("every acknowledged task was synced to disk", { ...LONG, skip: noStrace() ?? false }, async () => {
  const { tasks, syncs } = await countSyncs(50);
  assert.ok(syncs >= tasks, `${syncs} syncs for ${tasks} tasks`);
});

test("a full disk is told, leaves nothing half done, and needs no restart", {
  ...LONG,
  skip: noTmpfs() ?? false,
}, async () => {
  const { strange, halfDone, recovered, refused, isSound } = await fillDisk(2);
  assert.deepEqual({ strange, halfDone, recovered, isSound }, { strange: 0, halfDone: 0, recovered: 2, isSound: true });
  assert.ok(refused > 0);
});

test("a disk that cannot sync is told, and leaves nothing half done", {
  ...LONG,
  skip: noStrace() ?? false,
}, async () => {
  // About every third sync is for something that nobody waits for; then nobody is refused.
  for (let tries = 0; tries < 6; tries += 1) {
    const { strange, halfDone, recovered, refused, isSound } = await failSync(2);
    assert.deepEqual([strange, halfDone, recovered, isSound], [0, 0, 2, true]);
    if (refused > 0) return;
  }
  assert.fail("nobody was refused, so this proves nothing");
});
