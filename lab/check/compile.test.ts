// What the compiler of `npm run check` found before is only believed as long as it is true. lab/repo-checks/types.test.ts shows
// that it finds mistakes of every kind.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { CONFIG, openCompiledProject } from "./compiled-project.fixture.ts";

const WRONG = "wrong.ts(1,14): error TS2322";

/** `wrong.ts` is right as long as `name.ts` says that a name is a text. */
function openRightProject(t: TestContext) {
  const project = openCompiledProject(t, {
    "name.ts": "export type Name = string;\n",
    "wrong.ts": 'export const wrong: import("./name.ts").Name = "x";\n',
    "tsconfig.json": JSON.stringify({
      compilerOptions: { ...CONFIG.compilerOptions, allowImportingTsExtensions: true },
    }),
  });
  assert.deepEqual(project.mistakes(), []);
  return project;
}

test("compiler: a change of a type is found in a file that did not change", (t) => {
  const project = openRightProject(t);
  project.write({ "name.ts": "export type Name = number;\n" });
  assert.deepEqual(project.mistakes(), [WRONG]);
  project.write({ "name.ts": "export type Name = string;\n" });
  assert.deepEqual(project.mistakes(), []);
});

test("compiler: added and removed files are noticed", (t) => {
  const project = openRightProject(t);
  project.write({ "added.ts": "export const added: string = 1;\n" });
  assert.deepEqual(project.mistakes(), ["added.ts(1,14): error TS2322"]);
  project.remove("added.ts");
  assert.deepEqual(project.mistakes(), []);
  project.remove("name.ts");
  assert.deepEqual(project.mistakes(), ["wrong.ts(1,28): error TS2307"]);
});

test("compiler: a change of the configuration is noticed", (t) => {
  const project = openRightProject(t);
  project.write({ "loose.ts": "export const first = (list: string[]): string => list[0];\n" });
  assert.deepEqual(project.mistakes(), []);
  const strict = { ...CONFIG.compilerOptions, allowImportingTsExtensions: true, noUncheckedIndexedAccess: true };
  project.write({ "tsconfig.json": JSON.stringify({ compilerOptions: strict }) });
  assert.deepEqual(project.mistakes(), ["loose.ts(1,50): error TS2322"]);
});

test("compiler: what another version found is not believed", (t) => {
  const project = openRightProject(t);
  project.write({ "name.ts": "export type Name = number;\n" });
  assert.deepEqual(project.mistakes(), [WRONG]);
  const empty = forget(project.found());
  project.pretend(empty.replace(/"version":"\d[^"]*"/, '"version":"0.0.1"'));
  assert.deepEqual(project.mistakes(), [WRONG]);
  project.pretend(empty);
  assert.deepEqual(project.mistakes(), [], "the version makes the difference");
});

test("compiler: a damaged file of what was found is not believed", (t) => {
  const project = openRightProject(t);
  const right = project.found();
  project.write({ "name.ts": "export type Name = number;\n" });
  assert.deepEqual(project.mistakes(), [WRONG]);
  const wrong = project.found();
  // The last one says that nothing is wrong.
  for (const damaged of ["", "{", "null", "{}", wrong.slice(0, wrong.length / 2), right, forget(wrong)]) {
    project.damage(damaged);
    assert.deepEqual(project.mistakes(), [WRONG], damaged);
  }
});

function forget(found: string): string {
  const { semanticDiagnosticsPerFile, ...rest } = JSON.parse(found);
  assert.ok(semanticDiagnosticsPerFile, "the compiler keeps mistakes under another name");
  return JSON.stringify(rest);
}
