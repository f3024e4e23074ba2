// Expressions that are right for every value of the params: neither check may refuse them, and they have a value when they run.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonObject } from "../json.ts";
import { testRuns } from "../test-runs.fixture.ts";
import { checkExpression, evaluate } from "./expression.ts";
import { type KnownTypes, typing } from "./typed-check.ts";

type Type = "text" | "int" | "bool" | "list";
type Choice = (max: number) => number;

const LEAVES: { readonly [T in Type]: readonly string[] } = {
  text: [
    "params.s",
    '"lit"',
    "task.id",
    "params.o",
    "status",
    "site",
    "'q'",
    "app.name",
    "needs.j.outcome",
    "needs.j.outputs.out",
  ],
  int: ["params.n", "2", "size(params.l)", "size(params.s)", "-1", "params.m[0]"],
  bool: ["params.b", 'status == "failed"', 'params.o == "two"', 'needs.j.outcome == "succeeded"', "params.s != null"],
  list: ["params.l", '["a"]', "[params.s, string(params.n)]"],
};

/** `T1` is a text, `I1` a whole number, and so on. Operators that fail for some values are left out. */
const FORMS: { readonly [T in Type]: readonly string[] } = {
  text: [
    "(T + T)",
    "string(I)",
    "string(B)",
    "T.trim()",
    "T.replace('a', 'b')",
    "(B ? T : T)",
    "short(T)",
    "string(double(I) + 0.5)",
  ],
  int: ["(I + I)", "(I - I)", "(I * 2)", "size(T)", "size(L)", "(B ? I : I)", "T.indexOf('b')"],
  bool: [
    "(B && B)",
    "(B || B)",
    "!B",
    "(I < I)",
    "(I == I)",
    "(T == T)",
    "T.startsWith(T)",
    "T.contains(T)",
    "(T in params.l)",
    "(params.d == I)",
    "(params.d > 0.5)",
    "params.l.exists(x, x == T)",
    "(params.b != null)",
  ],
  list: ["(L + L)", "params.l.map(x, x + T)", "params.l.filter(x, x != T)", "[T, T]"],
};
const OF: { readonly [letter: string]: Type } = { T: "text", I: "int", B: "bool", L: "list" };

function expression(choose: Choice, type: Type, depth: number): string {
  const forms = depth === 0 ? LEAVES[type] : FORMS[type];
  const form = forms[choose(forms.length)] ?? "";
  if (depth === 0) return / [=!+]=? /.test(form) ? `(${form})` : form;
  return form.replace(/\b[TIBL]\b/g, (letter) => expression(choose, OF[letter] ?? "text", choose(depth)));
}

const written = fc.tuple(fc.infiniteStream(fc.nat(9_999)), fc.constantFrom<Type>("text", "int", "bool", "list"));

const scopeOf = (n: number): JsonObject => ({
  params: {
    s: ["a b", "", "x", "é"][n] ?? "",
    n: [3, 0, -1, 7][n] ?? 0,
    b: n % 2 === 0,
    l: [["x", "y"], [], ["a"], [""]][n] ?? [],
    m: [[1, 2], [3], [0, 0], [5]][n] ?? [],
    d: [1.5, 2, -0.5, 100][n] ?? 0,
    o: n % 2 === 0 ? "one" : "two",
  },
  task: { id: "t1" },
  app: { name: "orders" },
  status: ["succeeded", "failed", "canceled", "failed"][n] ?? "",
  site: "seoul",
  needs: { j: { outcome: "succeeded", outputs: { out: "o" } } },
});

function params(types: { readonly [name: string]: string }): KnownTypes {
  return new Map(Object.entries(types).map(([name, type]) => [`params.${name}`, type]));
}

test("two lists of other elements, null and numbers that may be whole are no mistakes", () => {
  const check = typing(params({ s: "string", n: "int", l: "list<string>", m: "list<int>" })).problemIn;
  const right = [
    "params.l + params.m",
    "params.l + [1]",
    "params.s == null",
    "null != params.n",
    "double(params.n) == 2",
  ];
  for (const text of right) assert.equal(check(text), undefined, text);
  for (const text of ['params.n == "3"', "params.s + 1", "params.l + 1", "params.n.join(',')"])
    assert.notEqual(check(text), undefined, text);
});

test("whole variables are maps, brackets are read as points, and a number is whole or a fraction", () => {
  const { problemIn, typeOf } = typing(params({ s: "string", n: "number", i: "int" }));
  const wrong: readonly (readonly [text: string, problem: RegExp])[] = [
    ["app < 0", /`<` cannot be used with a map and a whole number/],
    ["1.5 + task", /`\+` cannot be used with a fraction and a map/],
    ["!steps.one", /`!` needs true or false/],
    ['params["s"].map(x, x)', /need a list, not text/],
    ["params['s'] + 1", /`\+` cannot be used with text and a whole number/],
    ['steps["a-b"].outcome + 1', /`\+` cannot be used with text and a whole number/],
    ["params.n.lower()", /lower cannot be used on a fraction/],
  ];
  for (const [text, problem] of wrong) assert.match(problemIn(text)?.problem ?? "", problem, text);
  for (const text of [
    ...["task != null", "params.n + 1", "params.n * 1.5", "params.n == params.i", "has(params.s)", "size(params)"],
    ...['"a" in app', 'app["x"] + 1', "needs.a.each[0].outputs.x + 1", "params == app", 'params.?s.orValue("x")'],
  ])
    assert.equal(problemIn(text), undefined, text);
  const types = ["app", "needs.a.outputs", "jobs.a", "params.n", "params.n + 1", "app.x", "task.url + task.id"].map(
    typeOf,
  );
  assert.deepEqual(types, ["map", "map", "map", "dyn", "dyn", "dyn", "string"]);
});

test("a chain of replacements in a text of usual length is not too much work, and one that explodes is", () => {
  const chain = (one: string, times: number) => `params.s${one.repeat(times)}`;
  const scope = { params: { s: "feature/Orders_page-2".repeat(4) } };
  assert.equal(typeof evaluate(chain(".replace('/', '-')", 8), scope), "string");
  assert.equal(typeof evaluate(chain(".replace('_', '--')", 4), scope), "string");
  for (const one of [".replace('', params.s)", ".replace('e', params.s)", ".replace('e', 'eeeeeeeeeeeeeeeeeeee')"])
    assert.throws(() => evaluate(chain(one, 12), scope), one);
});

test("property: no check refuses an expression that is right for every value", () => {
  const types = { s: "string", n: "int", b: "bool", l: "list<string>", m: "list<int>", o: "string" };
  const check = typing(params(types)).problemIn;
  const property = fc.property(written, ([numbers, type]) => {
    const text = expression((max) => (numbers.next().value ?? 0) % max, type, 3);
    assert.ok(!("problem" in checkExpression(text)), `${text}: ${JSON.stringify(checkExpression(text))}`);
    assert.equal(check(text), undefined, text);
    for (const n of [0, 1, 2, 3]) assert.doesNotThrow(() => evaluate(text, scopeOf(n)), text);
  });
  fc.assert(property, { numRuns: testRuns(300) });
});
