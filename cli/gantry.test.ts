// The `gantry` command as people type it, with the Node.js that is on their PATH.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runLine } from "./line/run-line.ts";
import { runCommand } from "./portal.fixture.ts";

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

test("`gantry help lint` prints the help of lint, and help for a misspelled command names the right one", async () => {
  const { code, out } = run(process.execPath, GANTRY, "help", "lint");
  assert.deepEqual({ code, out }, await runCommand(["pipeline", "lint", "--help"]));
  assert.match(out, /^Usage: gantry pipeline lint FILE…[\s\S]*\nShort: gantry lint\n/);
  const wrong = await runCommand(["help", "lnt"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.out, /^Unknown command: lnt \(did you mean lint\?\)\n/);
});

test("a file, folder or portal that is not there is named in one line, without words of the operating system", async () => {
  for (const [argv, line] of [
    ["lint none.yaml", "none.yaml:1:1 the file cannot be read: there is no such file (ENOENT)"],
    ["plan none.yaml", "none.yaml:1:1 the file cannot be read: there is no such file (ENOENT)"],
    [
      "lint none.yaml --steps none",
      "The file none cannot be used. There is no such file (ENOENT). Correct the command",
    ],
    ["archive list none", "The folder none cannot be used. There is no such file (ENOENT). Correct the command"],
    [
      "audit verify --file none",
      "The file none cannot be used. It cannot be read as an audit log: there is no such file",
    ],
    ["backup --data none --to b", "The folder none cannot be used. It does not exist, or there is no journal in it."],
    [
      "restore --from none --data d",
      "The backup none cannot be used. There is no such file (ENOENT). Correct the command",
    ],
    ["restore --from package.json --data d", "The backup package.json is incomplete or damaged. It is not a gzip file"],
    [
      "runners --data none",
      "The data folder none cannot be used. none/gantry.json cannot be read: there is no such file",
    ],
    ["runners --portal none", "none cannot be used. It must be like https://gantry.example.com."],
  ] as const) {
    const { out } = await runCommand(argv.split(" "), { env: { HOME: "/nowhere" } }, runLine);
    assert.ok(out.startsWith(line), `${argv}: ${out}`);
    assert.equal(out.trim().split("\n").length, 1, argv);
  }
});

test("`gantry start --port` takes 0, and says what it takes", async () => {
  const { code, out } = await runCommand(["start", "--port", "70000"]);
  assert.equal(code, 2);
  assert.match(out, /^--port 70000: use a number from 0 to 65535\n/);
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
