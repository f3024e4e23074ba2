import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { findFailingLine } from "./failing-line.ts";

function lineOf(...lines: string[]): string | undefined {
  const finder = findFailingLine();
  finder.push(Buffer.from(`${lines.join("\n")}\n`));
  return finder.line();
}

const CASES: readonly [string, readonly string[], string | undefined][] = [
  ["tap", ["TAP version 13", "ok 1 - adds", "not ok 2 - subtracts", "# fail 1"], "not ok 2 - subtracts"],
  ["node:test", ["✔ adds (1ms)", "✖ subtracts (2ms)", "ℹ fail 1"], "✖ subtracts (2ms)"],
  ["go", ["=== RUN TestX", "--- FAIL: TestX (0.00s)", "    x_test.go:5: got 3", "FAIL"], "--- FAIL: TestX (0.00s)"],
  ["tsc", ["src/a.ts(3,7): error TS2322: Type 'string'", "exit 2"], "src/a.ts(3,7): error TS2322: Type 'string'"],
  ["gcc", ["cc -c a.c", "a.c:1:2: error: expected ';'", "make: *** [a.o] Error 1"], "a.c:1:2: error: expected ';'"],
  ["maven", ["[INFO] Compiling", "[ERROR] COMPILATION ERROR : "], "[ERROR] COMPILATION ERROR :"],
  ["npm", ["npm warn old", "npm error code ENOENT"], "npm error code ENOENT"],
  [
    "python",
    ["Traceback (most recent call last):", '  File "x.py", line 1', "    int('x')", "ValueError: invalid"],
    "ValueError: invalid",
  ],
  ["shell", ["start", "build.sh: line 3: mvnn: command not found"], "build.sh: line 3: mvnn: command not found"],
  ["colors", ["\u001b[31mError:\u001b[0m no space left"], "Error: no space left"],
  ["no line reports an error", ["0 errors, 0 warnings", "Tests failed: 0", "✓ ok", "bye"], "bye"],
  ["only the last group", ["error: old", "::group::tests", "fine", "AssertionError: 1 == 2"], "AssertionError: 1 == 2"],
  ["nothing", ["", "  "], undefined],
];

for (const [name, lines, expected] of CASES) {
  test(`the failing line: ${name}`, () => assert.equal(lineOf(...lines), expected));
}

test("property: the result does not depend on how the output is split", () => {
  const text = Buffer.from("größe\nerror: ünten\nend");
  fc.assert(
    fc.property(fc.nat({ max: text.length }), (cut) => {
      const finder = findFailingLine();
      finder.push(text.subarray(0, cut));
      finder.push(text.subarray(cut));
      assert.equal(finder.line(), "error: ünten");
    }),
  );
});

test("an endless line is processed in linear time", () => {
  const finder = findFailingLine();
  const piece = Buffer.from("Errorerrorfailed".repeat(4_096));
  const spent = process.cpuUsage();
  for (let index = 0; index < 500; index += 1) finder.push(piece);
  finder.line();
  assert.ok(process.cpuUsage(spent).user < 3_000_000);
});
