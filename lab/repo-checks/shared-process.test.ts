// Tests that share a process change nothing of it: the tests of the next file would find it changed. The tests of the group
// `pure` start no processes either.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";
import { groupsOfTests } from "../test-files.ts";
import { isTest } from "./sources.ts";

/** What a file that shares a process may not contain → what it would do. */
const FORBIDDEN: readonly [pattern: RegExp, does: string][] = [
  [/\bprocess\.(?:chdir|exit|umask)\(|\bprocess\.kill\(process\.pid\b/, "changes or ends the process"],
  [/\bprocess\.(?:exitCode\s*=(?!=)|(?:on|once|addListener)\()/, "changes how the process ends"],
  [
    /\bprocess\.env(?:\.\w+|\[[^\]]+\])\s*=(?!=)|delete process\.env|Object\.assign\(process\.env/,
    "changes the environment",
  ],
  [/\bglobalThis\.\w+\s*=(?!=)|\bmock\.(?:timers|method|module)\b|\bsetGlobalDispatcher\b/, "changes what is global"],
];

const FORBIDDEN_IN_PURE: typeof FORBIDDEN = [
  [/from "node:(?:child_process|cluster|worker_threads)"/, "starts processes or threads"],
  [/\bprocess\.kill\(/, "ends processes"],
];

const ROOT = resolve(import.meta.dirname, "../..");

const groups = groupsOfTests();

for (const [group, files] of groups)
  for (const file of files)
    test(`shared process: ${relative(ROOT, file)}`, () => {
      const forbidden = group === "pure" ? [...FORBIDDEN, ...FORBIDDEN_IN_PURE] : FORBIDDEN;
      for (const path of withFixtures(file)) {
        const text = readFileSync(path, "utf8");
        for (const [pattern, does] of forbidden)
          assert.doesNotMatch(
            text,
            pattern,
            `${relative(ROOT, path)} ${does}: take it out of its group in test-files.ts`,
          );
      }
    });

// The hooks of a file apply to the suite of the file that imports it first.
test("a fixture that a group imports has no hooks of its own", () => {
  const fixtures = [...groups.values()].flat().flatMap((file) => [...withFixtures(file)].slice(1));
  const withHooks = [...new Set(fixtures)].filter((path) =>
    /^(?:before|after)(?:Each)?\(/m.test(readFileSync(path, "utf8")),
  );
  assert.deepEqual(withHooks, []);
});

test("every group has the file that runs it", () => {
  const files = readdirSync(join(ROOT, "lab/test-groups")).map((name) => basename(name, ".ts"));
  assert.deepEqual(files.toSorted(), [...groups.keys()].toSorted());
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
