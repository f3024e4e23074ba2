import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { makePrivateFile, makePrivateFolder } from "./private-files.ts";

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "gantry-private-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

test("folders are made for their owner only, and existing ones are tightened without gaining rights", (t) => {
  const dir = folder(t);
  makePrivateFolder(join(dir, "a/b"));
  assert.deepEqual([modeOf(join(dir, "a")), modeOf(join(dir, "a/b"))], ["700", "700"]);
  chmodSync(join(dir, "a"), 0o755);
  makePrivateFolder(join(dir, "a"));
  assert.equal(modeOf(join(dir, "a")), "700");
  mkdirSync(join(dir, "closed"), { mode: 0o555 });
  makePrivateFolder(join(dir, "closed"));
  assert.equal(modeOf(join(dir, "closed")), "500");
});

test("a folder that is shared on purpose, such as /tmp, stays as it is", (t) => {
  const shared = join(folder(t), "shared");
  mkdirSync(shared);
  chmodSync(shared, 0o1777);
  makePrivateFolder(shared);
  assert.equal(modeOf(shared), "1777");
});

test("a file is made for its owner only; an existing one is tightened and keeps its content", (t) => {
  const dir = folder(t);
  makePrivateFile(join(dir, "new"));
  assert.equal(modeOf(join(dir, "new")), "600");
  writeFileSync(join(dir, "old"), "text", { mode: 0o644 });
  makePrivateFile(join(dir, "old"));
  assert.deepEqual([modeOf(join(dir, "old")), readFileSync(join(dir, "old"), "utf8")], ["600", "text"]);
});
