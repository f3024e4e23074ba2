import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, symlink, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { readPlainBytes, readPlainFile } from "./plain-file.ts";
import { tempDir } from "./temp-dir.fixture.ts";

test("what is no plain file is refused at once, and never read", { timeout: 60_000 }, async (t) => {
  const root = await tempDir(t);
  const at = (name: string): string => join(root, name);
  await writeFile(at("plain"), "text");
  await symlink("plain", at("link"));
  await symlink("/dev/zero", at("endless"));
  await symlink("/etc/passwd", at("outside"));
  await symlink("loop", at("loop"));
  execFileSync("mkfifo", [at("pipe")]);
  await mkdir(at("folder"));
  await writeFile(at("large"), "");
  await truncate(at("large"), 1e9);
  const server = createServer().listen(at("socket"));
  t.after(() => server.close());

  const limits = (name: string): { name: string; maxBytes: number } => ({ name, maxBytes: 1_000 });
  assert.equal(await readPlainFile(root, at("plain"), limits("plain")), "text");
  assert.equal(await readPlainFile(root, at("link"), limits("link")), "text");
  assert.equal(await readPlainFile(root, at("missing"), limits("missing")), undefined);
  assert.equal((await readPlainBytes(Buffer.from(at("plain")), limits("plain")))?.toString(), "text");
  for (const name of ["endless", "outside", "loop", "pipe", "folder", "large", "socket"]) {
    await assert.rejects(readPlainFile(root, at(name), limits(name)), { code: "file-invalid" }, name);
    await assert.rejects(readPlainBytes(at(name), limits(name)), { code: "file-invalid" }, name);
  }
  await assert.rejects(readPlainBytes(at("link"), limits("link")), { code: "file-invalid" });
});
