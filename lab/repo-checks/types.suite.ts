// The types of all files. The compiler that the other checks ask finds the mistakes, too: to start `tsc` beside it would
// parse everything twice.

import assert from "node:assert/strict";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openTypeScriptProject, project } from "./typescript-project.ts";

test("types: the compiler finds no mistake", () => {
  const found = project.mistakes();
  assert.equal(found.length, 0, `\n\n${found.join("\n\n")}\n`);
});

/** What the compiler finds in a project of these files. */
function mistakesIn(t: TestContext, files: { readonly [name: string]: string }): readonly string[] {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "gantry-types-")));
  t.after(() => rmSync(folder, { recursive: true }));
  const options = { strict: true, noEmit: true, erasableSyntaxOnly: true, verbatimModuleSyntax: true, types: [] };
  const config = { compilerOptions: { ...options, module: "nodenext", lib: ["es5"] } };
  for (const [name, text] of Object.entries({ "package.json": '{"type":"module"}', ...files }))
    writeFileSync(join(folder, name), text);
  if (files["tsconfig.json"] === undefined) writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const planted = openTypeScriptProject(`${folder}/`);
  t.after(() => planted.close());
  return planted.mistakes();
}

test("types: mistakes of every kind are found, each with its place", (t) => {
  const found = mistakesIn(t, {
    "type.ts": 'export const ä: number = "ü";\nexport const text: { a: number } = { a: "x" };\n',
    "syntax.ts": "export const = 1;\n",
    "missing.ts": 'import "./nowhere.js";\n',
    "erasable.ts": "export enum Colour {}\n",
    "verbatim.ts": 'import { Name } from "./name.js";\nexport const name: Name = "x";\n',
    "name.ts": "export type Name = string;\n",
    "right.ts": "export const right = 1;\n",
  });
  assert.deepEqual(found.map((one) => one.split(":").slice(0, 3).join(":")).toSorted(), [
    "erasable.ts:1:13 TS1294",
    "missing.ts:1:8 TS2882",
    "syntax.ts:1:14 TS1134",
    "syntax.ts:1:16 TS1134",
    "type.ts:1:14 TS2322",
    "type.ts:2:38 TS2322",
    "verbatim.ts:1:10 TS1484",
  ]);
});

test("types: mistakes of the configuration are found", (t) => {
  const config = { compilerOptions: { nonsense: true, types: ["nowhere"], lib: ["es5"] } };
  const found = mistakesIn(t, { "a.ts": "export {};\n", "tsconfig.json": JSON.stringify(config) });
  assert.deepEqual(
    found.map((one) => one.split("\n")[0]),
    [
      "tsconfig.json TS5023: Unknown compiler option 'nonsense'.",
      "tsconfig.json TS2688: Cannot find type definition file for 'nowhere'.",
    ],
  );
});
