// Expressions that try to leave the language: to prototypes, to functions of JavaScript, to its globals, into its syntax.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "../errors.ts";
import { evaluate } from "./expression.ts";

const scope = { params: { name: "orders", list: ["a"], map: { a: 1 }, count: 1, flag: true, nothing: null } };

const MEMBERS = [
  "constructor",
  "__proto__",
  "prototype",
  "toString",
  "valueOf",
  "hasOwnProperty",
  "isPrototypeOf",
  "__defineGetter__",
  "__lookupGetter__",
  "__defineSetter__",
  "then",
  "call",
  "apply",
  "bind",
  "caller",
  "arguments",
  "at",
  "push",
  "toJSON",
];
const VALUES = ["params", "params.name", "params.list", "params.map", "params.count", "{}", "[]", "'x'", "1", "true"];
const GLOBALS = [
  "process",
  "globalThis",
  "global",
  "require",
  "module",
  "exports",
  "import",
  "eval",
  "Function",
  "Object",
  "Array",
  "Reflect",
  "Proxy",
  "Symbol",
  "Buffer",
  "fetch",
  "console",
  "this",
  "self",
  "window",
  "__dirname",
  "undefined",
  "NaN",
  "Map",
  "setTimeout",
];
const SYNTAX = [
  "() => 1",
  "x => x",
  "function() { return 1 }",
  "(function(){return this})()",
  "new Date()",
  "`x`",
  "`${process.env.HOME}`",
  "params.name = 'x'",
  "params.name; 1",
  "params.name, 1",
  "1 /* */",
  "delete params.name",
  "typeof params",
  "void 0",
  "await params",
  "yield 1",
  "params.name ?? 1",
  "params?.name",
  "[...params.list]",
  "{...params}",
  "/x/.test('x')",
  "params.name.constructor('return process')()",
  "params.name.constructor.constructor('return process')()",
  "''['constructor']['constructor']('return process')()",
  "[].map(x, x)['constructor']",
  "[]['filter']['constructor']('return 1')()",
  "params.list.map(c, c.constructor)",
  "params.list.filter(constructor, constructor.call)",
  "params['__pro' + 'to__']",
  "params['const' + 'ructor']",
  "{'__proto__': {'polluted': true}}.polluted",
  "{'constructor': 1}.constructor.constructor",
  "\\u0070rocess",
  "params.\\u0063onstructor",
  "params.name.replace('o', '$`')['constructor']",
  "type(params).constructor",
  "dyn(params).constructor",
  "google.protobuf.Any{}",
  "timestamp('2026-01-01T00:00:00Z').constructor",
  "duration('1s').constructor",
  "bytes('x').constructor",
  "params.list.constructor.prototype.push",
  "import('node:fs')",
  "require('child_process').execSync('id')",
  "process.mainModule.require('fs')",
];

const ESCAPES = [
  ...VALUES.flatMap((value) => MEMBERS.flatMap((member) => [`${value}.${member}`, `${value}['${member}']`])),
  ...MEMBERS.map((member) => `params.${member}()`),
  ...MEMBERS.map((member) => `params.?${member}.orValue(0)`),
  ...GLOBALS,
  ...GLOBALS.map((name) => `${name}('1')`),
  ...GLOBALS.map((name) => `${name}.constructor`),
  ...SYNTAX,
];

/** Plain JSON that the expression could make by itself. */
function isData(value: unknown): boolean {
  if (value === null || ["string", "number", "boolean"].includes(typeof value)) return true;
  if (typeof value !== "object") return false;
  const proto: unknown = Object.getPrototypeOf(value);
  return (
    (proto === null || proto === Object.prototype || proto === Array.prototype) && Object.values(value).every(isData)
  );
}

test(`${ESCAPES.length} ways out of an expression lead to an error, or to plain data`, () => {
  assert.ok(ESCAPES.length >= 200);
  const before = JSON.stringify(Object.getOwnPropertyNames(Object.prototype));
  let errors = 0;
  for (const source of ESCAPES) {
    try {
      const value = evaluate(source, scope);
      assert.ok(isData(value), `${source} gives ${String(value)}`);
      assert.doesNotMatch(JSON.stringify(value), /native code|process|\/root|polluted.*true.*polluted/, source);
    } catch (error) {
      assert.ok(error instanceof GantryError, `${source}: ${String(error)}`);
      errors += 1;
    }
  }
  assert.ok(errors > ESCAPES.length * 0.9, `only ${errors} of ${ESCAPES.length} were refused`);
  assert.equal(JSON.stringify(Object.getOwnPropertyNames(Object.prototype)), before);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});
