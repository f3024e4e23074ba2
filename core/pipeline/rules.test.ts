// One mistake per file: each rule finds its own, at its line, and nothing else.

import assert from "node:assert/strict";
import { test } from "node:test";
import { job, MISTAKES } from "./mistakes.fixture.ts";
import { parsePipeline } from "./parse.ts";
import { STEP_FIXTURES } from "./steps.fixture.ts";

function parse(text: string) {
  return parsePipeline({ name: "demo.yaml", text }, STEP_FIXTURES);
}

/** Every problem as `line: text`. */
function mistakes(text: string): readonly string[] {
  const { pipeline, problems } = parse(text);
  assert.equal(pipeline === undefined, problems.length > 0);
  for (const problem of problems) assert(problem.file === "demo.yaml" && (problem.column ?? 0) > 0);
  return problems.map((problem) => `${problem.line}: ${problem.detail}`);
}

for (const [what, text, expected] of MISTAKES) {
  test(`finds ${what}`, () => {
    const found = mistakes(text);
    assert.equal(found.length, 1, found.join("\n"));
    assert.match(found[0] ?? "", expected);
  });
}

test("a param that may be absent is a warning, unless it is guarded", () => {
  const params = "params: { a: { type: string }, b: string, c: { type: string, default: x } }\n";
  const env = (source: string) => job(`    env: { A: "\${{ ${source} }}" }\n    steps: [{ run: x }]\n`, params);
  const warnings = (source: string) =>
    parse(env(source)).warnings.map((one) => `${one.line}:${one.column} ${one.detail}`);
  assert.deepEqual(warnings("params.b + params.a"), [
    "6:31 params.a may be absent; give it a default, or write params.?a.orValue(…)",
  ]);
  assert.deepEqual(warnings("params.?a.orValue('')"), []);
  assert.deepEqual(warnings("has(params.a) ? 'x' : params.c"), []);
});

test("every cycle is named once", () => {
  const text = ["a: b", "b: c", "c: a", "d: a", "e: f", "f: e"]
    .map((line) => line.split(": "))
    .map(([id, need]) => `  ${id}: { site: x, needs: ${need}, steps: [{ run: x }] }`)
    .join("\n");
  assert.deepEqual(mistakes(`name: demo\njobs:\n${text}\n`), [
    "3: jobs need each other: a → b → c → a",
    "7: jobs need each other: e → f → e",
  ]);
});
