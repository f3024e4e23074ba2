import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { z } from "zod";
import type { JsonObject, JsonValue } from "../json.ts";
import { testRuns } from "../test-runs.fixture.ts";
import { checkSchema } from "./json-schema.ts";

const SHAPES: readonly z.core.$ZodType[] = [
  z.strictObject({ a: z.string(), b: z.int().min(1).max(3).optional(), c: z.array(z.string()).min(1).optional() }),
  z.object({ a: z.union([z.string().min(2), z.int()]), b: z.enum(["x", "y"]).default("x") }),
  z.record(z.string().regex(/^[a-c]+$/), z.number().gt(0).lt(10)),
  z.discriminatedUnion("a", [
    z.strictObject({ a: z.literal("x"), b: z.string() }),
    z.strictObject({ a: z.literal("y"), c: z.boolean() }),
  ]),
  z.object({ a: z.json(), b: z.tuple([z.string(), z.int()]).optional(), c: z.null().optional() }),
  z.array(z.object({ a: z.string().regex(/^x+$/).nullable() })).max(2),
];

const leaf = fc.constantFrom<JsonValue[]>("x", "y", "xx", "", 0, 1, 2.5, 11, true, null, [], {});
const value: fc.Arbitrary<JsonValue> = fc.oneof(
  leaf,
  fc.array(leaf, { maxLength: 3 }),
  fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.oneof(leaf, fc.array(leaf, { maxLength: 3 }))),
  fc.array(fc.dictionary(fc.constantFrom("a", "b"), leaf), { maxLength: 3 }),
);

test("agrees with a complete validator on the schemas that zod writes", () => {
  const ajv = new Ajv2020({ strict: false });
  for (const shape of SHAPES) {
    const schema = JSON.parse(JSON.stringify(z.toJSONSchema(shape, { io: "input" }))) as JsonObject;
    const validate = ajv.compile(schema);
    fc.assert(
      fc.property(value, (json) => {
        const problems = checkSchema(schema, json);
        assert.equal(problems.length === 0, validate(json), JSON.stringify({ json, problems }));
      }),
      { numRuns: testRuns(500) },
    );
  }
});

test("a value that is not known yet matches every schema", () => {
  const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
  const unknown = (json: JsonValue) => json === "?";
  assert.deepEqual(checkSchema(schema, { n: "?" }, { unknown }), []);
  assert.equal(checkSchema(schema, { n: "x" }, { unknown }).length, 1);
});

test("the alternative that was meant is the one that is explained", () => {
  const schema: JsonObject = {
    anyOf: [
      { type: "string" },
      { type: "object", properties: { a: { type: "integer" } }, additionalProperties: false },
    ],
  };
  assert.deepEqual(checkSchema(schema, { a: "x" }), [{ path: ["a"], detail: "it must be a whole number, not text" }]);
  assert.deepEqual(checkSchema(schema, 1), [
    { path: [], detail: "it must be text, not a number, or it must be a map, not a number" },
  ]);
});

test("a schema that refers to itself ends", () => {
  const schema = {
    $ref: "#/$defs/a",
    $defs: { a: { $ref: "#/$defs/a" }, b: { type: "object", additionalProperties: { $ref: "#/$defs/b" } } },
  };
  assert(checkSchema(schema, 1).length <= 1);
  let deep: JsonValue = 1;
  for (let i = 0; i < 200; i += 1) deep = { a: deep };
  assert.equal(checkSchema({ ...schema, $ref: "#/$defs/b" }, deep).length, 1);
});
