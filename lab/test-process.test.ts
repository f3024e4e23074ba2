// What node:test knows of the tests that run is the same as without test-process.ts.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const PRELOADED = join(import.meta.dirname, "test-process.ts");

/** Two files of a group, which wait while they are loaded; the second has an error that nobody catches. */
const FILE = `
const pause = () => new Promise((resolve) => setImmediate(resolve));
await pause();
before(() => seen("before"));
after(() => seen("after"));
beforeEach(() => seen("each"));
test("plain", async (t) => {
  await pause();
  t.after(() => seen("after plain"));
  await t.test("part", () => seen("part"));
});
describe("more", () => {
  after(() => seen("after more"));
  test("inner", () => seen("inner"));
});
`;
const STRAY = `
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
test("forgets a promise", async () => {
  void Promise.reject(new Error("nobody waits for it"));
  await pause();
});
test("forgets a timer", async () => {
  setTimeout(() => { throw new Error("nobody catches it"); }, 1);
  await pause();
});
`;
const IMPORTS = `import { after, before, beforeEach, describe, suite, test } from "node:test";\n`;
const GROUP = `${IMPORTS}for (const name of ["one", "two", "stray"]) await new Promise((resolve) =>
  void suite(name, () => import(\`./\${name}.mjs\`).finally(resolve)));\n`;

test("hooks belong to their file and their suite, and stray errors to the test that they come from", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "gantry-test-process-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ["one", "two"])
    writeFileSync(
      join(folder, `${name}.mjs`),
      `${IMPORTS}const seen = (what) => console.error("${name}: " + what);\n${FILE}`,
    );
  writeFileSync(join(folder, "stray.mjs"), IMPORTS + STRAY);
  writeFileSync(join(folder, "group.mjs"), GROUP);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const runs = [[], ["--import", PRELOADED]].map((options) => {
    const argv = [...options, "--test-reporter=tap", join(folder, "group.mjs")];
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8", env });
    const results = stdout.split("\n").filter((line) => /^ *(?:not )?ok |^ *error: /.test(line));
    return { status, seen: stderr.trim().split("\n"), results: results.map((line) => line.trim()) };
  });
  const [plain, preloaded] = runs;
  assert.deepEqual(preloaded, plain);
  assert.equal(preloaded?.status, 1);
  assert.deepEqual(preloaded.seen.slice(0, 4), ["one: before", "one: each", "one: each", "one: part"]);
  for (const error of ["error: 'nobody waits for it'", "error: 'nobody catches it'"])
    assert.ok(preloaded.results.includes(error), preloaded.results.join("\n"));
});
