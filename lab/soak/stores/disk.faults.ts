// Full disks, disks whose fsync fails, and the number of syncs; `npm run test:soak` runs the same for longer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { countSyncs, failSync, fillDisk, noStrace, noTmpfs } from "./disk.ts";

const LONG = { timeout: 170_000 };

test("every acknowledged task was synced to disk", { ...LONG, skip: noStrace() ?? false }, async () => {
  const { tasks, syncs } = await countSyncs(50);
  assert.ok(syncs >= tasks, `${syncs} syncs for ${tasks} tasks`);
});

test("a full disk is reported, leaves nothing half done, and needs no restart", {
  ...LONG,
  skip: noTmpfs() ?? false,
}, async () => {
  const { strange, halfDone, recovered, refused, isSound } = await fillDisk(2);
  assert.deepEqual({ strange, halfDone, recovered, isSound }, { strange: 0, halfDone: 0, recovered: 2, isSound: true });
  assert.ok(refused > 0);
});

test("a disk whose fsync fails is reported, and leaves nothing half done", {
  ...LONG,
  skip: noStrace() ?? false,
}, async () => {
  // No request waits for about a third of the syncs; when one of those fails, no request is refused.
  for (let tries = 0; tries < 6; tries += 1) {
    const { strange, halfDone, recovered, refused, isSound } = await failSync(2);
    assert.deepEqual([strange, halfDone, recovered, isSound], [0, 0, 2, true]);
    if (refused > 0) return;
  }
  assert.fail("nobody was refused, so this proves nothing");
});
