import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GantryError } from "../errors.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { testRuns } from "../test-runs.fixture.ts";
import { checkExpression, evaluate, MAX_EXPRESSION_LENGTH } from "./expression.ts";

const scope: JsonObject = {
  params: { replicas: 3, ratio: 1.5, name: "Orders", targets: ["seoul", "tokyo"], "my-key": 1, nothing: null },
  app: {
    facts: { digest: "sha256:0123456789abcdef" },
    targets: [
      { name: "seoul", cluster: "a" },
      { name: "tokyo", cluster: "b" },
    ],
  },
  status: "succeeded",
};

const answers: readonly (readonly [string, JsonValue])[] = [
  ["params.replicas", 3],
  ["params.replicas + 1", 4],
  ["params.replicas == 3 && params.replicas > 2.5", true],
  ["params.ratio", 1.5],
  ["params['my-key']", 1],
  ["params.nothing == null", true],
  ["params.name == null", false],
  ["params.nothing", null],
  ["params.name.lower() + '-' + string(params.replicas)", "orders-3"],
  ["params.name.upper()", "ORDERS"],
  ["params.name.replace('O', '$&o')", "$&orders"],
  ["params.targets.join(',')", "seoul,tokyo"],
  ["'a,b'.split(',')", ["a", "b"]],
  ["app.targets.filter(t, t.name in params.targets).map(t, t.cluster)", ["a", "b"]],
  ["app.targets.map(t, {'name': t.name, 'n': 1})[1]", { name: "tokyo", n: 1 }],
  ["short(app.facts.digest)", "0123456789ab"],
  ["[1, 2, 39].sum()", 42],
  ["[].sum()", 0],
  ["app.?facts.?image.orValue('none')", "none"],
  ["app.?facts.?image", null],
  ["app.?facts.digest.orValue('none')", "sha256:0123456789abcdef"],
  ["app.?facts[?'digest'].orValue('none')", "sha256:0123456789abcdef"],
  ["app.?nothing.more['still'].orValue('none')", "none"],
  ["params.targets[?1].orValue('none')", "tokyo"],
  ["params.targets[?1.0].orValue('none')", "tokyo"],
  ["params.targets[?-1].orValue('none')", "none"],
  ["params.?targets[7].orValue('none')", "none"],
  ["params.name.?length.orValue('none')", "none"],
  ["params.nothing[?0].orValue('none')", "none"],
  ["{1: 'a'}[?1].orValue('none') + {'b': 'c'}.?b.orValue('none')", "ac"],
  ["app.targets.map(t, t[?'name'].orValue('none'))", ["seoul", "tokyo"]],
  ["has(app.facts.image) ? app.facts.image : 'none'", "none"],
  ["size(params.targets)", 2],
  ["[1, 'a', {}]", [1, "a", {}]],
  ["params.targets + ['osaka']", ["seoul", "tokyo", "osaka"]],
];

/** As CEL's reference implementation answers. */
const positions: readonly (readonly [string, JsonValue])[] = [
  ["size('😀ab')", 3],
  ["'😀ab'.substring(1)", "ab"],
  ["'😀ab'.substring(0, 1)", "😀"],
  ["'a😀b'.substring(size('a😀b'))", ""],
  ["'😀ab'.indexOf('b')", 2],
  ["'😀ab'.indexOf('x')", -1],
  ["'😀a😀'.indexOf('😀', 1)", 2],
  ["'ab'.indexOf('b', 9)", -1],
  ["'😀aba'.lastIndexOf('a')", 3],
  ["'😀aba'.lastIndexOf('a', 2)", 1],
  ["'a😀'.lastIndexOf('')", 2],
  ["'é😀z'.split('')", ["é", "😀", "z"]],
  ["'😀ab'.split('', 2)", ["😀", "ab"]],
  ["'a,b,c'.split(',', 2)", ["a", "b,c"]],
  ["'a,b,c'.split(',', -1)", ["a", "b", "c"]],
  ["'a,b,c'.split(',', 0)", []],
  ["'😀b'.replace('', '-')", "-😀-b-"],
  ["short('😀😀😀😀😀😀😀😀😀😀😀😀😀')", "😀😀😀😀😀😀😀😀😀😀😀😀"],
  ["int('-12') + int('+3')", -9],
  ["int('010')", 10],
  ["int(-1.9)", -1],
  ["double('1e3') + double('.5') + double(2)", 1002.5],
  ["true == ('a' in ['a'])", true],
  ["true == ((size('a)') < (3)))", true],
  ["1 < 2 == true", true],
  ["!('b' in ['a']) && true != (1 == 2)", true],
  ["{params.name: 1, params.replicas: {string(1): 2}}", { Orders: 1, "3": { "1": 2 } }],
  ["{1: 'a', true: 'b', 'c': 'd'}", { "1": "a", true: "b", c: "d" }],
];

for (const [source, expected] of [...answers, ...positions]) {
  test(`${source} gives ${JSON.stringify(expected)}`, () => assert.deepEqual(evaluate(source, scope), expected));
}

const failures: readonly (readonly [string, RegExp])[] = [
  ["int('')", /`int\(…\)` cannot make a number of this/],
  ["int('0b11')", /`int\(…\)` cannot make a number of this/],
  ["int('0X1F')", /`int\(…\)` cannot make a number of this/],
  ["int('9223372036854775808')", /`int\(…\)` cannot make a number of this/],
  ["double('')", /`double\(…\)` cannot make a number of this/],
  ["double('0x10')", /`double\(…\)` cannot make a number of this/],
  ["[1.5].sum()", /sum\(\) is for lists of integers/],
  ["params.targets.sum()", /sum\(\) is for lists of integers/],
  ["'😀'.substring(2)", /`substring` begins or ends outside of the text/],
  ["'abc'.substring(2, 1)", /`substring` begins or ends outside of the text/],
  ["'abc'.substring(-1)", /`substring` begins or ends outside of the text/],
  ["'abc'.indexOf('c', -1)", /`indexOf` begins outside of the text/],
  ["[1].substring(0)", /the function substring cannot be used on a list with a whole number/],
  ["'a'.substring_(0)", /there is no function substring_/],
  ["true == 'a' in ['a']", /`==` and `in` stand side by side; put one of the two comparisons in parentheses/],
  ["params.replicas != (1) < 2", /`!=` and `<` stand side by side/],
  ["[1].map(x, x == (x) >= 1)", /`==` and `>=` stand side by side/],
  ["{params.targets: 2}", /a key of a map must be text/],
  ["{'a': {app.facts: 2}}", /a key of a map must be text/],
  ["params.?name == null", /`==` cannot be used with a value that may be missing and null/],
  ["params.name.orValue('x')", /`orValue` is for a value that may be missing/],
  ["params.targets[?'0'].orValue('x')", /the place in a list must be a whole number/],
  ["params.targets[?params.name].orValue('x')", /the place in a list must be a whole number/],
  ["params.targets[?1.5].orValue('x')", /the place in a list must be a whole number/],
  ["params.targets[?true]", /the place in a list must be a whole number/],
  ["params.targets[?params.nothing].orValue('x')", /the place in a list must be a whole number/],
  ["params.targets.?first.orValue('x')", /the place in a list must be a whole number/],
  ["params.?targets['0'].orValue('x')", /the place in a list must be a whole number/],
  ["params.?targets.first.orValue('x')", /the place in a list must be a whole number/],
  ["[app].map(a, a.targets[?'0'].?name.orValue('x'))", /the place in a list must be a whole number/],
  ["fromJson('[1]')[?'0'].orValue(3)", /the place in a list must be a whole number/],
  ["app[?params.targets].orValue('x')", /a key of a map must be text/],
  ["params.targets[1.5]", /the list has no element \[1\.5\]/],
  ["{[1]: 2}", /a key of a map must be text, a whole number, or true or false/],
  ["[{null: 2}]", /a key of a map must be text/],
  ["params.missing", /there is no "missing" in params$/],
  ["app.facts.image", /there is no "image" in app\.facts$/],
  ["params.nothing.more", /there is no "more" in params\.nothing$/],
  ["params.targets[7]", /the list has no element \[7\]/],
  ["needs.build.outputs", /there is no needs$/],
  ["params.name + params.replicas", /`\+` cannot be used with text and a whole number; convert the number/],
  ["params.constructor", /there is no "constructor" in params/],
  ["params.__proto__", /there is no "__proto__" in params/],
  ["params['__proto__']['polluted']", /there is no "__proto__" in params/],
  ["params.name.constructor", /there is no "constructor"/],
  ["constructor", /there is no variable constructor/],
  ["toString", /there is no variable/],
  ["process.env", /there is no variable process/],
  ["params.name.matches('(a+)+$')", /`matches` is not offered/],
  ["timestamp('2020-01-01T00:00:00Z')", /neither text/],
  ["9223372036854775807", /cannot be kept exactly/],
  ["1.0 / 0.0", /cannot be kept exactly/],
  ["params.", /^a name is missing before the end$/],
  ["params.a ||", /is incomplete/],
  ["", /^the expression is empty$/],
  ["{a: 1", /^`}` is missing before the end$/],
  ["params.x ? 1", /^`:` is missing before the end$/],
  ["(1 == 1", /^`\)` is missing before the end$/],
  ["if true", /^`if` is a reserved word; write `condition \? one : other`$/],
  ["params.a && && params.b", /^`&&` cannot be used here$/],
  ["params.a = 1", /^`=` cannot be used here; compare with `==` or `!=`$/],
  ["params.a b", /^`b` cannot be used here; an operator is missing before it$/],
  ["${{ params.a", /^`\$` cannot be used here; `\$\{\{` and `}}` stand around a whole expression$/],
  ["params.é", /^`é` cannot be used here$/],
  ["nope(1)", /there is no function nope/],
];

for (const [source, problem] of failures) {
  test(`${source || "an empty expression"} fails with a reason`, () => {
    assert.throws(
      () => evaluate(source, scope),
      (error) => {
        assert(error instanceof GantryError);
        assert.equal(error.code, "expression-failed");
        assert.equal(error.details.expression, source);
        assert.match(String(error.details.problem), problem);
        return true;
      },
    );
  });
}

test("unknown variables and functions are found without values", () => {
  assert.deepEqual(checkExpression("params.a == parms.b"), {
    problem: "there is no variable parms (did you mean params?)",
    offset: 12,
  });
});

test("references are read from the syntax, without bound names and texts", () => {
  const read = (source: string) => {
    const expression = checkExpression(source);
    assert(!("problem" in expression), source);
    return expression.references.map((reference) => [reference.variable, ...reference.path].join("."));
  };
  assert.deepEqual(read('needs.build.outputs.digest + "steps.x.y"'), ["needs.build.outputs.digest"]);
  assert.deepEqual(read("app.targets.filter(t, t.site == params.site).map(t, t.name)"), ["app.targets", "params.site"]);
  assert.deepEqual(read("app['a'].b[params.i].c"), ["app.a.b", "params.i"]);
  assert.deepEqual(read("cel.bind(x, params.a, x + app.b)"), ["params.a", "app.b"]);
  assert.deepEqual(read("has(app.facts.digest)"), ["app.facts.digest"]);
});

test("references tell which members must be there", () => {
  const certain = (source: string) => {
    const expression = checkExpression(source);
    assert(!("problem" in expression));
    return expression.references.map((reference) => reference.certain);
  };
  assert.deepEqual(certain("app.facts.digest"), [2]);
  assert.deepEqual(certain("app.?facts.digest"), [0]);
  assert.deepEqual(certain("has(app.facts.digest)"), [1]);
});

test("expressions that would explode are refused before they run", () => {
  const numbers = Array.from({ length: 1_000 }, (_, index) => index);
  const big: JsonObject = { params: { l: numbers, s: "x".repeat(10_000) } };
  const l = "params.l";
  const hostile = [
    `${l}.map(a, ${l}.map(b, ${l}.map(c, ${l}.map(d, a))))`,
    `${l}.all(a, ${l}.all(b, ${l}.all(c, c < 5000)))`,
    `[[1, 2]]${".map(a, a + a)".repeat(26)}`,
    `[[1, 2]]${".map(a, a + a)".repeat(200)}`,
    `["ab"]${".map(a, a + a)".repeat(60)}`,
    `cel.bind(a, [1, 2], ${Array.from({ length: 40 }, (_, i) => `cel.bind(a${i}, ${i ? `a${i - 1} + a${i - 1}` : "a + a"}, `).join("")}1${")".repeat(41)}`,
    "params.s.replace('', params.s).replace('', params.s)",
    `${"(".repeat(3_000)}1${")".repeat(3_000)}`,
    "-".repeat(4_000),
    "a".repeat(MAX_EXPRESSION_LENGTH + 1),
    `[${"1,".repeat(300)}1]`,
  ];
  for (const source of hostile) {
    const spent = process.cpuUsage();
    assert.throws(() => evaluate(source, big), GantryError, source.slice(0, 60));
    assert(process.cpuUsage(spent).user < 1_000_000, source.slice(0, 60));
  }
});

test("ordinary work over a few hundred elements is allowed", () => {
  const many = {
    app: {
      targets: Array.from({ length: 200 }, (_, i) => ({ name: `t${i}`, site: `s${i % 7}`, title: "x".repeat(40) })),
    },
    params: { targets: ["t1", "t7"] },
  };
  assert.deepEqual(evaluate("app.targets.filter(t, t.name in params.targets).map(t, t.site)", many), ["s1", "s0"]);
});

test("any text is refused or read, and never more than a GantryError comes out", () => {
  const words = fc.constantFrom(
    "params",
    ".a",
    "[0]",
    "(",
    ")",
    "+",
    "'x'",
    "1",
    "==",
    "&&",
    "{",
    "}",
    ":",
    ",",
    ".map(a, a)",
    "?",
    "!",
    " in ",
    "null",
    "__proto__",
    ".?b",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(words, { maxLength: 12 }).map((list) => list.join("")),
      ),
      (source) => {
        try {
          evaluate(source, scope);
        } catch (error) {
          assert(error instanceof GantryError, `${source}: ${String(error)}`);
        }
      },
    ),
    { numRuns: testRuns(2_000) },
  );
});

test("JSON goes in and comes out unchanged", () => {
  const value = fc.jsonValue({ maxDepth: 4 }).filter((json) => !JSON.stringify(json).includes("e"));
  fc.assert(
    fc.property(value, (json) => {
      const expected: unknown = JSON.parse(JSON.stringify(json));
      assert.deepEqual(evaluate("params.x", { params: { x: expected as JsonValue } }), expected);
    }),
  );
});
