// Every kind of issue that zod 4 can report is a sentence of ours, without a word of zod.

import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { describeIssue } from "./issues.ts";

const secret = z.union([z.string(), z.strictObject({ file: z.string() }), z.strictObject({ env: z.string() })]);
const system = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("git"), url: z.url() }),
  z.object({ kind: z.literal("jira"), url: z.url() }),
]);

const CASES: readonly (readonly [name: string, schema: z.core.$ZodType, value: unknown, ...expected: string[]])[] = [
  ["a missing text", z.string(), undefined, "x is missing"],
  ["a missing choice", z.enum(["a", "b", "c"]), undefined, "x is missing"],
  ["a missing alternative", secret, undefined, "x is missing"],
  ["a number for a text", z.string(), 1, "x must be text"],
  ["an empty value for a map", z.record(z.string(), z.string()), null, "x must be a map"],
  ["a fraction for a whole number", z.int(), 1.5, "x must be a whole number"],
  ["a text for a list", z.array(z.string()), "a", "x must be a list"],
  ["a text for true or false", z.boolean(), "yes", "x must be true or false"],
  ["a wrong literal", z.literal("v1"), "v2", "x must be v1"],
  [
    "a misspelt choice",
    z.enum(["queue", "cancel-older"]),
    "queu",
    "x must be queue or cancel-older (did you mean queue?)",
  ],
  ["an empty text", z.string().min(1), "", "x must not be empty"],
  ["a short text", z.string().min(16), "a", "x must have at least 16 characters"],
  ["a text of another length", z.string().length(1), "ab", "x must have exactly 1 character"],
  ["a long list", z.array(z.string()).max(1), ["a", "b"], "x must have at most 1 element"],
  ["a small number", z.number().min(10), 1, "x must be at least 10"],
  ["a number that is not positive", z.number().positive(), 0, "x must be more than 0"],
  ["a number below a limit that is excluded", z.number().lt(10), 10, "x must be less than 10"],
  ["no multiple", z.number().multipleOf(5), 7, "x must be a multiple of 5"],
  ["no address", z.url(), "nonsense", "x must be an address such as https://host.example"],
  ["no mail address", z.email(), "nonsense", "x must be an e-mail address"],
  ["no time", z.iso.datetime(), "yesterday", "x must be a time such as 2026-11-20T07:00:00Z"],
  ["no UUID", z.uuid(), "1", "x must be a UUID"],
  ["no base64", z.base64(), "%", "x must be text in base64"],
  ["a wrong beginning", z.string().startsWith("sha256:"), "x", "x must begin with sha256:"],
  ["a wrong end", z.string().endsWith(".git"), "x", "x must end with .git"],
  ["a wrong part", z.string().includes("/"), "x", "x must contain /"],
  ["another form", z.string().regex(/^[a-z]+$/), "X", "x must be one or more lower case letters"],
  ["another form with own words", z.string().regex(/^a/, "must be host:port"), "X", "x must be host:port"],
  ["an unknown key", z.strictObject({}), { a: 1, b: 2 }, "unknown key a", "unknown key b"],
  [
    "a wrong key",
    z.record(z.string().regex(/^[a-z]+$/), z.string()),
    { "1": "" },
    "1 is not a valid name: it must be one or more lower case letters",
  ],
  ["a wrong element", z.array(z.string()), ["a", 1], "element 2 of x must be text"],
  ["no alternative", secret, 1, "x must be text, or a map"],
  ["the alternative that was meant", secret, { file: 1 }, "file must be text"],
  ["an unknown kind", system, { kind: "gti" }, "kind must be git or jira (did you mean git?)"],
  ["a missing kind", system, {}, "kind is missing"],
  ["a rule of its own", z.string().refine(() => false), "a", "x is not valid"],
  ["a rule with words", z.string().refine(() => false, "must be even"), "a", "x must be even"],
  ["a value that must not be there", z.never(), 1, "x must be left out"],
];

for (const [name, schema, value, ...expected] of CASES) {
  test(name, () => {
    const root = value === undefined ? {} : { x: value };
    const { error } = z.object({ x: schema }).safeParse(root);
    const found = error?.issues.flatMap((issue) => describeIssue(issue, root, { whole: "the value" })) ?? [];
    assert.deepEqual(
      found.map(({ detail }) => detail),
      expected,
    );
  });
}
