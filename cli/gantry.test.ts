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

test("every command refuses a flag that it does not have, in words and with its usage", () => {
  const { out } = run(process.execPath, GANTRY, "help");
  const commands = [...out.matchAll(/^ {2}gantry (\w+)/gm)].map(([, command = ""]) => command);
  assert.ok(commands.length > 10);
  for (const command of commands) {
    const { code, err } = run(process.execPath, GANTRY, command, "--hepl");
    assert.equal(code, 2, command);
    assert.match(err, /^There is no flag --hepl \(did you mean --help\?\)\n\nUsage: gantry /, command);
  }
});

test("a file, folder or portal that is not there is named in one line, without words of the operating system", () => {
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
    const { out, err } = run(process.execPath, GANTRY, ...argv.split(" "));
    assert.ok(`${out}${err}`.startsWith(line), `${argv}: ${out}${err}`);
    assert.equal(`${out}${err}`.trim().split("\n").length, 1, argv);
  }
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
