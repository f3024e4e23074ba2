import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { takeLock, tryLock } from "./lock.ts";

test("a lock has one owner at a time, also within a process, and says who owns it", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-lock-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "journal");
  const release = takeLock(file);
  assert.equal(tryLock(`${file}.lock`), undefined);
  assert.throws(
    () => takeLock(file),
    (error: Error & { code?: unknown; details?: { owner?: unknown } }) =>
      error.code === "store-busy" && String(error.details?.owner).startsWith(`process ${process.pid} on `),
  );
  release();
  takeLock(file)();
  assert.throws(() => takeLock(join(folder, "no", "folder")), { code: "data-unusable" });
});
