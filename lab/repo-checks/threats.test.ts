// Every test that docs/threats.md names exists.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const ROOT = join(import.meta.dirname, "../..");
const page = readFileSync(join(ROOT, "docs/threats.md"), "utf8");

const rows = page
  .split("\n")
  .filter((line) => /^\| \d+ \|/.test(line))
  .map((line) => ({ number: /^\| (\d+)/.exec(line)?.[1] ?? "", line }));
/** `path`: part of a title. */
const named = rows.flatMap(({ line }) => {
  const [, path, title] = /\| `([^`]+\.(?:test|system|faults|suite)\.ts)`: (.+) \|$/.exec(line) ?? [];
  return path === undefined || title === undefined ? [] : [{ path, title }];
});

for (const { path, title } of named) {
  test(`threats: ${path} has a test of this name: ${title}`, () => {
    assert.ok(existsSync(join(ROOT, path)), `there is no file ${path}`);
    const text = readFileSync(join(ROOT, path), "utf8").replaceAll("\\`", "`");
    assert.ok(text.includes(title), `no test is named so`);
  });
}

test("threats: the eight attacks and the 28 rows of the model are there, and each has a test or does not apply", () => {
  for (let number = 1; number <= 28; number += 1) {
    const found = rows.filter((row) => row.number === String(number));
    assert.ok(found.length >= (number <= 8 ? 2 : 1), `row ${number} is missing`);
  }
  const without = rows.filter(({ line }) => !/\.(test|system|faults|suite)\.ts/.test(line));
  assert.deepEqual(
    without.filter(({ line }) => !/does not apply/.test(line)).map(({ line }) => line),
    [],
  );
});
