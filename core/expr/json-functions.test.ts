// `fromJson` and `toJson`. Rows B2 and B6.

import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuMsOf } from "@gantry/lab/cpu-time.ts";
import { GantryError } from "../errors.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { render } from "./template.ts";

const evaluated = (source: string, scope: JsonObject = {}): JsonValue => render(`\${{ ${source} }}`, scope);
const problemOf = (source: string, scope: JsonObject = {}): string => {
  try {
    evaluated(source, scope);
  } catch (error) {
    assert(error instanceof GantryError);
    return String(error.details.problem);
  }
  return "";
};
const params = (text: JsonValue): JsonObject => ({ params: { text } });

test("JSON of a text is a value with its types, and back (B2, B6)", () => {
  const text = '{"a": [1, 2.5, null, true, "ü"], "constructor": {"b": "x"}}';
  assert.deepEqual(evaluated("fromJson(params.text)", params(text)), JSON.parse(text));
  assert.equal(evaluated("fromJson(params.text).a[0] + 1", params(text)), 2);
  assert.equal(evaluated("fromJson(params.text).constructor.b", params(text)), "x");
  assert.equal(evaluated("toJson(fromJson(params.text))", params(text)), JSON.stringify(JSON.parse(text)));
  assert.deepEqual(evaluated("fromJson(params.text).map(x, x * x)", params("[1,2,3,4,5]")), [1, 4, 9, 16, 25]);
  assert.equal(evaluated('toJson({"a": [1, "$${x}"]})'), '{"a":[1,"$${x}"]}');
  assert.equal(evaluated("toJson(params.text)", params('say "hi"')), '"say \\"hi\\""');
});

test("a value that looks like an expression stays a value (B6)", () => {
  assert.equal(evaluated("fromJson(params.text).a", params('{"a": "${{ 1 + 1 }}"}')), "${{ 1 + 1 }}");
});

test("what is no JSON, or cannot be kept exactly, is an error that does not repeat the text", () => {
  assert.match(problemOf("fromJson(params.text)", params("hunter2")), /fromJson\(\) was given a text that is not JSON/);
  assert.doesNotMatch(problemOf("fromJson(params.text)", params("hunter2")), /hunter2/);
  assert.match(problemOf("fromJson(params.text)", params('{"id": 12345678901234567890}')), /cannot be kept exactly/);
  assert.match(problemOf("fromJson(params.text)", params("[".repeat(100) + "]".repeat(100))), /nested deeper than 64/);
  assert.match(problemOf("fromJson(1)"), /fromJson/);
});

test("large texts and many rounds are refused before they take time", async () => {
  const list = JSON.stringify(Array.from({ length: 20_000 }, (_, at) => at));
  const rounds = "fromJson(params.text).map(a, fromJson(params.text).map(b, toJson(params.text)))";
  const cpuMs = await cpuMsOf(() => assert.match(problemOf(rounds, params(list)), /too much work/));
  assert.ok(cpuMs < 5_000, `${cpuMs} ms`);
});
