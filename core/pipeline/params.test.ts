import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../json.ts";
import { checkParams } from "./params.ts";
import type { ParamsSchema } from "./pipeline.ts";

const SCHEMA: ParamsSchema = {
  type: "object",
  properties: {
    name: { type: "string", pattern: "^[a-z-]+$", minLength: 3, maxLength: 5 },
    digest: { type: "string", default: "${{ app.facts.digest }}" },
    targets: { type: "array", items: { type: "string" }, default: "${{ app.targets.map(t, t.name) }}" },
    count: { type: "integer", minimum: 1, maximum: 3 },
    level: { type: "string", enum: ["low", "high"], default: "low" },
  },
  required: ["name"],
  additionalProperties: false,
};
const APP: JsonObject = { facts: { digest: "sha256:1" }, targets: [{ name: "seoul" }] };

function problems(given: JsonObject, app = APP): readonly string[] {
  return checkParams(SCHEMA, given, { app }).problems.map((one) => `${one.pointer} ${one.detail}`);
}

test("defaults are filled in, also from the app", () => {
  assert.deepEqual(checkParams(SCHEMA, { name: "abc" }, { app: APP }), {
    params: { name: "abc", digest: "sha256:1", targets: ["seoul"], level: "low" },
    problems: [],
  });
});

test("what is given is data and never an expression", () => {
  const { params } = checkParams(SCHEMA, { name: "abc", digest: "${{ app.facts }}" }, { app: APP });
  assert.equal(params.digest, "${{ app.facts }}");
});

test("a whole number whose last digits are lost is refused", () => {
  const schema: ParamsSchema = { ...SCHEMA, properties: { build: { type: "integer" } }, required: [] };
  const read = (text: string) => checkParams(schema, JSON.parse(text) as JsonObject, {});
  assert.match(
    read('{"build": 9007199254740993}').problems[0]?.detail ?? "",
    /^it must be between -9007199254740991 and/,
  );
  assert.match(read('{"build": -1e30}').problems[0]?.detail ?? "", /the last digits of a larger one would be lost$/);
  assert.deepEqual(read('{"build": 9007199254740991}'), { params: { build: 9007199254740991 }, problems: [] });
});

test("every problem points at its parameter", () => {
  assert.deepEqual(problems({ name: "A", count: 1.5, level: "hihg", targets: ["a", 1], nme: 1, "a/b~c": 1 }), [
    "/name it must have at least 3 characters",
    "/count it must be a whole number, not a fraction",
    "/level it must be one of low, high (did you mean high?)",
    "/targets/1 it must be text, not a number",
    "/nme nme is not known (did you mean name?)",
    "/a~1b~0c a/b~c is not known",
  ]);
  assert.deepEqual(problems({ name: "abcdef", count: 4 }), [
    "/name it must have at most 5 characters",
    "/count it must be at most 3",
  ]);
  assert.deepEqual(problems({ name: "AbC" }), ["/name it must be one or more lower case letters and `-`"]);
  assert.deepEqual(problems({}), ["/name name is missing"]);
});

test("a default that is not available makes the parameter required, with the reason", () => {
  assert.deepEqual(problems({ name: "abc" }, { targets: [] }), [
    '/digest digest must be given: its default ${{ app.facts.digest }} has no value yet (there is no "facts" in app)',
  ]);
});

test("what people give costs no more to compare with patterns than a request may", () => {
  const name = { type: "string", pattern: "(a?){999}b" } as const;
  const schema: ParamsSchema = {
    ...SCHEMA,
    properties: { name, targets: { type: "array", items: name } },
  };
  const text = "a".repeat(500);
  const spent = process.cpuUsage();
  const { problems: found } = checkParams(schema, { name: text, targets: Array(120).fill(text) }, { app: APP });
  assert.ok(process.cpuUsage(spent).user < 1_000_000);
  assert.match(found.at(-1)?.detail ?? "", /there is too much text to compare it with `pattern`/);
});
