import assert from "node:assert/strict";
import { test } from "node:test";
import { findCycles } from "./cycles.ts";

const cyclesOf = (graph: Record<string, string[]>): string[] =>
  findCycles(new Map(Object.entries(graph)))
    .map((cycle) => cycle.toSorted().join(" "))
    .toSorted();

test("a chain has no cycle", () => assert.deepEqual(cyclesOf({ a: ["b"], b: ["c"], c: [] }), []));
test("two files that import each other are a cycle", () => assert.deepEqual(cyclesOf({ a: ["b"], b: ["a"] }), ["a b"]));
test("a file that imports itself is a cycle", () => assert.deepEqual(cyclesOf({ a: ["a"] }), ["a"]));
test("a cycle through several files is one group", () =>
  assert.deepEqual(cyclesOf({ a: ["b"], b: ["c"], c: ["a", "d"], d: [] }), ["a b c"]));
test("two cycles are two groups", () =>
  assert.deepEqual(cyclesOf({ a: ["b", "c"], b: ["a"], c: ["d"], d: ["c"] }), ["a b", "c d"]));
test("two paths to one file are no cycle", () =>
  assert.deepEqual(cyclesOf({ a: ["b", "c"], b: ["d"], c: ["d"], d: [] }), []));
test("packages outside the graph are ignored", () => assert.deepEqual(cyclesOf({ a: ["zod"] }), []));
