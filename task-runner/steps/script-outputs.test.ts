import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import fc from "fast-check";
import { parseOutputs } from "./script-outputs.ts";

test("outputs are lines, and values with several lines have a delimiter", () => {
  const text = "image=orders:1\nempty=\nurl=https://x/?a=b<<c\r\nnotes<<END\nfirst\n  second=2\nEND\nimage=orders:2\n";
  assert.deepEqual(parseOutputs(text), {
    image: "orders:2",
    empty: "",
    url: "https://x/?a=b<<c",
    notes: "first\n  second=2",
  });
});

test("an output may name a file below the workspace", () => {
  assert.deepEqual(parseOutputs("one=a@=b\nreport@=out/report.json\n"), {
    one: "a@=b",
    report: { path: "out/report.json", line: 2 },
  });
});

for (const [text, problem] of [
  ["a@=/etc/passwd", /Line 1 .* below the workspace/],
  ["a@=../x", /below the workspace/],
  ["a@=", /below the workspace/],

  ["no mark", /Line 1 .* neither/],
  ["a=1\nb b=2", /Line 2 .* name/],
  ["__proto__=x", /Line 1 .* name/],
  ["PATH:=x", /name/],
  ["a<<END\nx\n", /without its closing delimiter/],
  ["a<<\nx\n", /has no delimiter/],
  [`a=${"x".repeat(65_537)}`, /more than 65536/],
  [Array.from({ length: 101 }, (_, index) => `a${index}=1`).join("\n"), /Line 101/],
] as const) {
  test(`refused: ${text.slice(0, 20).replaceAll("\n", "⏎")}`, () => {
    assert.throws(
      () => parseOutputs(text),
      (error) => error instanceof GantryError && problem.test(String(error.details.problem)),
    );
  });
}

test("property: any text is parsed or refused, and written values are read back", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200, unit: "grapheme" }), (text) => {
      try {
        parseOutputs(text);
      } catch (error) {
        assert.ok(error instanceof GantryError);
      }
    }),
  );
  const line = fc.string({ maxLength: 20 }).filter((one) => !/[\r\n]/.test(one) && one !== "END");
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 5 }), (lines) => {
      assert.deepEqual(parseOutputs(`a<<END\n${lines.join("\n")}\nEND\n`), { a: lines.join("\n") });
    }),
  );
});
