// The `gantry` command as people type it, with the Node.js that is on their PATH.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const GANTRY = fileURLToPath(new URL("gantry", import.meta.url));
const MANIFEST = fileURLToPath(new URL("package.json", import.meta.url));
const OLD_NODE = oldNode();

function run(node: string, ...argv: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(node, argv, { encoding: "utf8" });
  return { code: status, out: stdout, err: stderr };
}

/** A Node.js of this machine that is older than the one Gantry runs on. */
function oldNode(): string | undefined {
  const places = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "node"));
  return places.find((path) => existsSync(path) && Number.parseInt(run(path, "--version").out.slice(1), 10) < 24);
}

test("`gantry help lint` prints the help of lint, and help for a misspelled command names the right one", () => {
  const { code, out } = run(process.execPath, GANTRY, "help", "lint");
  assert.deepEqual([code, out], [0, run(process.execPath, GANTRY, "lint", "--help").out]);
  assert.match(out, /^Usage: gantry lint/);
  const wrong = run(process.execPath, GANTRY, "help", "lnt");
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /^Unknown command: lnt \(did you mean lint\?\)\n/);
});

test("`gantry start --port` takes 0, and says what it takes", () => {
  const { code, err } = run(process.execPath, GANTRY, "start", "--port", "70000");
  assert.equal(code, 2);
  assert.match(err, /^--port 70000: use a number from 0 to 65535\.\n/);
});

test("with an older Node.js `gantry` runs on the one that npm ci installed", {
  skip: OLD_NODE ? false : "every Node.js on PATH is new",
}, () => {
  const { code, out, err } = run(OLD_NODE ?? "", GANTRY, "version");
  assert.deepEqual([code, err], [0, ""]);
  assert.match(out, /^gantry \d/);
  assert.equal(run(OLD_NODE ?? "", GANTRY, "nothing").code, 2, "the exit code is handed on");
});

test("with an older Node.js and no npm ci `gantry` says in one line what to do", {
  skip: OLD_NODE ? false : "every Node.js on PATH is new",
}, (t) => {
  const root = mkdtempSync(join(tmpdir(), "gantry-clone-"));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "cli"));
  copyFileSync(GANTRY, join(root, "cli/gantry"));
  copyFileSync(MANIFEST, join(root, "cli/package.json"));
  const { code, err } = run(OLD_NODE ?? "", join(root, "cli/gantry"), "version");
  assert.equal(code, 2);
  assert.match(
    err,
    /^Gantry needs Node\.js 24 or later, and this is \d+\.\d+\.\d+\. Run `npm ci` in \S+: it installs .*\.\n$/,
  );
});
