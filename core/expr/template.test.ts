import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GantryError } from "../errors.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { evaluateCondition } from "./condition.ts";
import { cutText, expressionsIn, referencesIn, render, renderText } from "./template.ts";

const scope: JsonObject = {
  params: { name: "orders", count: 3, list: [1, 2], flag: false, none: null, evil: "${{ secrets.TOKEN }}" },
  secrets: { TOKEN: "s3cret" },
  status: "succeeded",
};

const rendered: readonly (readonly [JsonValue, JsonValue])[] = [
  ["plain", "plain"],
  ["${{ params.count }}", 3],
  ["${{params.list}}", [1, 2]],
  ["${{ params.none }}", null],
  [" ${{ params.count }}", " 3"],
  ["${{ params.name }}:${{ params.count }}", "orders:3"],
  ["a ${{ params.flag }} ${{ params.none }} ${{ params.list }}", "a false  [1,2]"],
  ["$${{ params.name }}", "${{ params.name }}"],
  ["costs $5 and ${x} and $${{", "costs $5 and ${x} and ${{"],
  ['${{ "}}" + params.name }}', "}}orders"],
  ["${{ {'a': {'b': 1}}.a.b }}", 1],
  ["${{ 'it\\'s }}' + params.name }}", "it's }}orders"],
  ["${{ params.evil }}", "${{ secrets.TOKEN }}"],
  ["x${{ params.evil }}", "x${{ secrets.TOKEN }}"],
  [
    { "${{ params.name }}": ["${{ params.count }}", { deep: "${{ params.name }}" }], n: 1, b: true, z: null },
    { "${{ params.name }}": [3, { deep: "orders" }], n: 1, b: true, z: null },
  ],
];

for (const [template, expected] of rendered) {
  test(`${JSON.stringify(template)} becomes ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(render(template, scope), expected);
  });
}

test("text is built where text is asked for", () => {
  assert.equal(renderText("${{ params.count }}", scope), "3");
  assert.equal(renderText("${{ params.none }}", scope), "");
  assert.equal(renderText("${{ params.list }}", scope), "[1,2]");
});

test("an expression that is not closed is an error", () => {
  for (const text of ["${{ params.name", "${{ params.name }", "${{ 'a }}", "x ${{ } }}"]) {
    assert.throws(() => render(text, scope), GantryError, text);
  }
});

test("a result that grows without measure is refused", () => {
  const wide = { params: { s: "x".repeat(400_000) } };
  assert.throws(() => render(["${{ params.s }}", "${{ params.s }}", "${{ params.s }}"], wide), GantryError);
});

test("property: values are never evaluated", () => {
  const nasty = fc.oneof(fc.string(), fc.constantFrom("${{ secrets.TOKEN }}", "$${{ x }}", "}}", "${{", "{{", "'"));
  fc.assert(
    fc.property(nasty, nasty, (a, b) => {
      const values: JsonObject = { params: { a, b }, secrets: { TOKEN: "s3cret" } };
      assert.equal(render("${{ params.a }}", values), a);
      assert.equal(render("<${{ params.a }}|${{ params.b }}>", values), `<${a}|${b}>`);
      assert.deepEqual(render({ k: ["${{ params.a }}"] }, values), { k: [a] });
    }),
  );
});

test("any text is cut into pieces or refused, and text without expressions stays itself", () => {
  const bits = fc.array(fc.constantFrom("$", "{", "}", "${{", "}}", "'", '"', "\\", "r'", "a", "'''"), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        bits.map((list) => list.join("")),
      ),
      (text) => {
        const pieces = cutText(text);
        if (!text.includes("${{")) assert.deepEqual(pieces, text === "" ? [] : [{ kind: "text", text }]);
        assert(Array.isArray(pieces) || "problem" in pieces);
      },
    ),
  );
});

test("the names in a template are known without values", () => {
  const template = { a: ["${{ needs.build.outputs.image }}"], b: "x ${{ params.name }} ${{ broken( }}" };
  assert.deepEqual(
    referencesIn(template).map(({ variable, path, expression }) => [variable, path.join("."), expression]),
    [
      ["needs", "build.outputs.image", "needs.build.outputs.image"],
      ["params", "name", "params.name"],
    ],
  );
  assert.deepEqual(expressionsIn("${{ a }} ${{ b }}"), ["a", "b"]);
});

test("a condition includes success(), unless it uses the status", () => {
  const failed = { ...scope, status: "failed" };
  assert.equal(evaluateCondition(undefined, scope), true);
  assert.equal(evaluateCondition(undefined, failed), false);
  assert.equal(evaluateCondition("params.count == 3", scope), true);
  assert.equal(evaluateCondition("params.count == 4", scope), false);
  assert.equal(evaluateCondition("params.count == 3", failed), false);
  assert.equal(evaluateCondition("params.missing", failed), false);
  assert.equal(evaluateCondition("status == 'failed'", failed), true);
  assert.equal(evaluateCondition("status != 'canceled' && params.count == 3", failed), true);
  assert.equal(evaluateCondition("always", failed), true);
  // In a job of `finally` the task has failed and the job's own steps have not.
  assert.equal(evaluateCondition(undefined, failed, "succeeded"), true);
  assert.equal(evaluateCondition("params.count == 3", failed, "succeeded"), true);
  assert.equal(evaluateCondition("status == 'failed'", failed, "succeeded"), true);
  assert.equal(evaluateCondition("status == 'succeeded'", failed, "succeeded"), false);
  assert.equal(evaluateCondition(undefined, failed, "failed"), false);
  assert.equal(evaluateCondition("params.name == 'status'", failed), false);
});

test("a condition must give true or false", () => {
  assert.throws(() => evaluateCondition("params.count", scope), /could not be evaluated/);
  assert.throws(() => evaluateCondition("params.missing", scope), GantryError);
});
