// What other users of the machine can read of Gantry's data: nothing.

import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startAllInOne } from "./all-in-one.ts";

function pathsBelow(folder: string): readonly string[] {
  return [folder, ...readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => join(folder, path))];
}

test("data folders and databases of all processes are for their owner only, also those of an earlier version", async (t) => {
  const data = join(mkdtempSync(join(tmpdir(), "gantry-private-")), "data");
  t.after(() => rmSync(join(data, ".."), { recursive: true }));
  const before = process.umask(0o022);
  t.after(() => process.umask(before));
  // Copies of files that everyone may read, in a closed folder.
  const isCopyOfEtc = (path: string): boolean => /\/sandbox\/etc(\/|$)/.test(path);
  const open = (): readonly string[] =>
    pathsBelow(data).filter((path) => (statSync(path).mode & 0o077) !== 0 && !isCopyOfEtc(path));
  const start = () =>
    startAllInOne({ data, port: 0, path: process.env.PATH ?? "", lab: false, env: {} }, (name) =>
      makeLogger(name, "silent"),
    );

  const first = await start();
  try {
    assert.deepEqual(open(), []);
    assert.ok(pathsBelow(data).some((path) => path.endsWith("journal.sqlite-wal")));
  } finally {
    await first.close();
  }
  for (const path of pathsBelow(data)) chmodSync(path, statSync(path).isDirectory() ? 0o755 : 0o644);
  const second = await start();
  try {
    const files = /(\.db|\.sqlite|-wal|-shm|\.lock|\.owner|admin-token|gantry\.json|\.jsonl)$/;
    const loose = open();
    assert.deepEqual(
      loose.filter((path) => files.test(path)),
      [],
    );
    for (const folder of [data, join(data, "task-agent"), join(data, "notify-agent"), join(data, "runner-platform")])
      assert.ok(!loose.includes(folder), folder);
  } finally {
    await second.close();
  }
});
