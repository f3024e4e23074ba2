// The combinations of `matrix`. Row A4.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, JsonValue } from "../json.ts";
import { parsePipeline } from "../pipeline/parse.ts";
import { combinationsOf } from "./matrix.ts";

const AXES = { fruit: ["apple", "pear"], animal: ["cat", "dog"] };

test("include adds values to combinations that it does not change, and makes others of its own (A4)", () => {
  // The example of the documentation of GitHub Actions, with its result.
  const matrixInclude: readonly JsonObject[] = [
    { color: "green" },
    { color: "pink", animal: "cat" },
    { fruit: "apple", shape: "circle" },
    { fruit: "banana" },
    { fruit: "banana", animal: "cat" },
  ];
  assert.deepEqual(combinationsOf({ matrix: AXES, matrixInclude }), [
    { name: "apple,cat", values: { fruit: "apple", animal: "cat", color: "pink", shape: "circle" } },
    { name: "apple,dog", values: { fruit: "apple", animal: "dog", color: "green", shape: "circle" } },
    { name: "pear,cat", values: { fruit: "pear", animal: "cat", color: "pink" } },
    { name: "pear,dog", values: { fruit: "pear", animal: "dog", color: "green" } },
    { name: "banana", values: { fruit: "banana" } },
    { name: "banana,cat", values: { fruit: "banana", animal: "cat" } },
  ]);
});

test("exclude leaves out the combinations that have all of its values, also maps (A4)", () => {
  const matrix: Record<string, JsonValue[]> = { os: ["linux", "mac"], image: [{ name: "a", tag: 1 }, { name: "b" }] };
  const names = (matrixExclude: readonly JsonObject[]) =>
    combinationsOf({ matrix, matrixExclude }).map(({ name }) => name);
  assert.deepEqual(names([{ os: "mac" }]), ["linux,a", "linux,b"]);
  assert.deepEqual(names([{ os: "mac", image: { tag: 1, name: "a" } }]), ["linux,a", "linux,b", "mac,b"]);
  assert.deepEqual(names([{ image: { name: "a" } }]), ["linux,a", "linux,b", "mac,a", "mac,b"]);
});

test("a matrix may consist of include alone", () => {
  const matrixInclude = [
    { os: "linux", node: 24 },
    { os: "mac", node: 22 },
  ];
  assert.deepEqual(
    combinationsOf({ matrix: {}, matrixInclude }).map(({ name }) => name),
    ["linux,24", "mac,22"],
  );
});

const problemsOf = (lines: string): readonly string[] => {
  const text = `name: demo\napp: none\njobs:\n  test:\n    site: seoul\n${lines}`;
  return parsePipeline({ name: "demo.yaml", text }, []).problems.map(
    ({ line, column, detail }) => `${line}:${column} ${detail}`,
  );
};
const STEPS = "    steps: [{ run: 'true' }]\n";
const MATRIX = "    matrix:\n      os: [linux, mac]\n      node: [22, 24]\n";

const MISTAKES: readonly (readonly [what: string, lines: string, expected: RegExp])[] = [
  [
    "an unknown axis",
    `${MATRIX}      exclude: [{ so: mac }]\n${STEPS}`,
    /^9:19 the matrix has no axis so \(did you mean os\?\)$/,
  ],
  [
    "a value that the axis lacks",
    `${MATRIX}      exclude: [{ node: 20 }]\n${STEPS}`,
    /^9:19 this excludes nothing: the axis node has no such value$/,
  ],
  ["text for a number", `${MATRIX}      exclude: [{ node: "22" }]\n${STEPS}`, /^9:19 this excludes nothing/],
  ["an empty exclude", `${MATRIX}      exclude: [{}]\n${STEPS}`, /^9:17 this excludes every combination/],
  ["an empty include", `${MATRIX}      include: [{}]\n${STEPS}`, /^9:17 this includes nothing$/],
  [
    "nothing left",
    `${MATRIX}      exclude: [{ os: mac }, { os: linux }]\n${STEPS}`,
    /^9:7 `exclude` leaves no combination out of the matrix$/,
  ],
  ["exclude alone", `    matrix: { exclude: [{ os: mac }] }\n${STEPS}`, /^6:5 matrix must have at least one axis$/],
  ["a wrong axis", `    matrix: { "a b": [1] }\n${STEPS}`, /^6:15 a b is not an axis: it has letters, digits and `_`$/],
  ["include that is no list", `    matrix: { os: [a], include: { os: b } }\n${STEPS}`, /^6:24 include must be a list/],
  [
    "a value of some combinations",
    `${MATRIX}      include: [{ node: 24, extra: x }]\n    env: { A: "\${{ each.extra }}" }\n${STEPS}`,
    /^10:20 the combination linux,22 has no extra; write each\.\?extra\.orValue\(…\)$/,
  ],
  [
    "a value of no combination",
    `${MATRIX}      include: [{ node: 24, extra: x }]\n    env: { A: "\${{ each.extar }}" }\n${STEPS}`,
    /^10:20 the matrix has no axis extar \(did you mean extra\?\)$/,
  ],
  [
    "one name twice",
    `${MATRIX}      include: [{ os: bsd, node: 20 }, { os: bsd, "n": 20 }]\n${STEPS}`,
    /^6:5 two combinations have the name bsd,20/,
  ],
  [
    "a limit without a list",
    `    maxParallel: 2\n${STEPS}`,
    /^6:5 `maxParallel` is for a job with `each` or `matrix`$/,
  ],
  ["failFast without a list", `    failFast: true\n${STEPS}`, /^6:5 `failFast` is for a job with `each` or `matrix`$/],
  ["no job at once", `    each: [a]\n    maxParallel: 0\n${STEPS}`, /^7:18 maxParallel must be/],
  [
    "the words of another system",
    `    each: [a]\n    fail-fast: true\n${STEPS}`,
    /^7:5 unknown key fail-fast; use `failFast`/,
  ],
];
for (const [what, lines, expected] of MISTAKES) {
  test(`finds ${what}, at its place (A4)`, () => {
    const found = problemsOf(lines);
    assert.equal(found.length, 1, found.join("\n"));
    assert.match(found[0] ?? "", expected);
  });
}

test("a guarded value of some combinations is right, and so are maxParallel and failFast beside a list", () => {
  const guarded = `${MATRIX}      include: [{ node: 24, extra: x }]\n    maxParallel: 2\n    failFast: true\n    env: { A: "\${{ each.?extra.orValue('') }}" }\n${STEPS}`;
  assert.deepEqual(problemsOf(guarded), []);
});
