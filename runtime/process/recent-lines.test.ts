import assert from "node:assert/strict";
import { test } from "node:test";
import { keepRecentLines } from "./recent-lines.ts";

test("the newest 5,000 lines are kept, and read from either end in the order in which they were written", () => {
  const recent = keepRecentLines();
  for (let at = 1; at <= 5_002; at += 1) recent.write(`line ${at}\n`);
  assert.deepEqual(recent.read("oldest", 2), { lines: ["line 3", "line 4"], held: 5_000, dropped: 2 });
  assert.deepEqual(recent.read("latest", 2).lines, ["line 5001", "line 5002"]);
  assert.equal(recent.read("latest", 6_000).lines.length, 5_000);
});

test("long lines are cut, and many of them take no more memory than the limit", () => {
  const recent = keepRecentLines();
  for (let at = 0; at < 1_000; at += 1) recent.write(`${"x".repeat(1_000_000)}\n`);
  const { lines, held, dropped } = recent.read("latest", 5_000);
  assert.equal(held + dropped, 1_000);
  assert.ok(lines.reduce((sum, line) => sum + line.length, 0) <= 1_048_576);
});
