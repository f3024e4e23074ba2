// The compiler that `npm run check` runs (lab/check/compile.ts) finds mistakes of every kind.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openCompiledProject } from "../check/compiled-project.fixture.ts";

test("compiler: mistakes of every kind are found, each with its place, and again in the next run", (t) => {
  const project = openCompiledProject(t, {
    "type.ts": 'export const ä: number = "ü";\nexport const text: { a: number } = { a: "x" };\n',
    "missing.ts": 'import "./nowhere.js";\n',
    "erasable.ts": "export enum Colour {}\n",
    "verbatim.ts": 'import { Name } from "./name.js";\nexport const name: Name = "x";\n',
    "name.ts": "export type Name = string;\n",
    "right.ts": "export const right = 1;\n",
  });
  const expected = [
    "erasable.ts(1,13): error TS1294",
    "missing.ts(1,8): error TS2882",
    "type.ts(1,14): error TS2322",
    "type.ts(2,38): error TS2322",
    "verbatim.ts(1,10): error TS1484",
  ];
  assert.deepEqual(project.mistakes(), expected);
  assert.deepEqual(project.mistakes(), expected);
  // Files that cannot be parsed are reported alone.
  project.write({ "syntax.ts": "export const = 1;\n" });
  const syntax = ["syntax.ts(1,14): error TS1134", "syntax.ts(1,16): error TS1134"];
  assert.deepEqual(project.mistakes(), syntax);
  project.remove("syntax.ts");
  assert.deepEqual(project.mistakes(), expected);
});

test("compiler: mistakes of the configuration are found", (t) => {
  const config = { compilerOptions: { nonsense: true, types: ["nowhere"], lib: ["es5"] } };
  const project = openCompiledProject(t, { "a.ts": "export {};\n", "tsconfig.json": JSON.stringify(config) });
  assert.deepEqual(project.mistakes(), ["error TS2688", "tsconfig.json(1,21): error TS5023"]);
});
