// An error that no test awaits fails the run, and is shown with the line that it comes from.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const PRELOADED = join(import.meta.dirname, "test-process.ts");

const STRAY_ERRORS = {
  rejected: 'void Promise.reject(new Error("nobody waits"));',
  thrown: 'setImmediate(() => { throw new Error("nobody waits"); });',
};

for (const [kind, code] of Object.entries(STRAY_ERRORS))
  for (const [place, text] of [
    [
      "in a test",
      `test("one", async () => {\n${code}\nawait new Promise((resolve) => setTimeout(resolve, 20));\n});\n`,
    ],
    [
      "before the first test",
      `\n${code}\nawait new Promise((resolve) => setTimeout(resolve, 20));\ntest("one", () => {});\n`,
    ],
  ])
    test(`an error that is ${kind} ${place} fails the file`, (t) => {
      const folder = mkdtempSync(join(tmpdir(), "gantry-stray-"));
      t.after(() => rmSync(folder, { recursive: true }));
      const file = join(folder, "stray.test.mjs");
      writeFileSync(file, `import { test } from "node:test";\n${text}`);
      const { NODE_TEST_CONTEXT: _, ...env } = process.env;
      const ran = spawnSync(process.execPath, ["--import", PRELOADED, file], { encoding: "utf8", env });
      assert.equal(ran.status, 1, ran.stdout);
      assert.match(ran.stderr, /nobody waits/);
      assert.match(ran.stderr, /stray\.test\.mjs:3:/);
    });
