// Tests that share one process start no other one and change nothing of the process: the next file would find it changed.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";
import { testsInOneProcess } from "../test-files.ts";
import { isTest } from "./sources.ts";

/** What a file that shares a process may not contain → what it would do. */
const FORBIDDEN: readonly [pattern: RegExp, does: string][] = [
  [/from "node:(?:child_process|cluster|worker_threads)"/, "starts processes or threads"],
  [/\bprocess\.(?:chdir|exit|kill|umask)\(/, "changes or ends the process"],
  [/\bprocess\.env(?:\.\w+|\[[^\]]+\])\s*=(?!=)|delete process\.env/, "changes the environment"],
  [/\bglobalThis\.\w+\s*=(?!=)|\bmock\.(?:timers|method|module)\b/, "changes what is global"],
];

const ROOT = resolve(import.meta.dirname, "../..");

for (const file of testsInOneProcess())
  test(`shared process: ${relative(ROOT, file)}`, () => {
    for (const path of withFixtures(file)) {
      const text = readFileSync(path, "utf8");
      for (const [pattern, does] of FORBIDDEN)
        assert.doesNotMatch(text, pattern, `${relative(ROOT, path)} ${does}: take it out of IN_ONE_PROCESS`);
    }
  });

/** The file, and the files of tests that it imports, directly or through others. */
function withFixtures(file: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(file)) return found;
  found.add(file);
  for (const [, name = ""] of readFileSync(file, "utf8").matchAll(/(?:from|import) "(\.[^"]+|@gantry\/[^"]+)"/g)) {
    const path = name.startsWith(".") ? join(dirname(file), name) : join(ROOT, name.slice("@gantry/".length));
    if (isTest(path) && existsSync(path)) withFixtures(path, found);
  }
  return found;
}
