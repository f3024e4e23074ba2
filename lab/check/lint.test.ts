// Biome, as `npm run check` runs it, only looks at files that changed, and misses nothing by that.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { lint } from "./lint.ts";

type Files = { readonly [path: string]: string };

const CONFIG = {
  vcs: { enabled: true, clientKind: "git", useIgnoreFile: true },
  formatter: { indentStyle: "space" },
  linter: { rules: { style: { useNodejsImportProtocol: "error" } } },
};
const RIGHT = 'export const right = "right";\n';

/** A repository of these files and what `lint` says of it: the files that it checked, and whether it found nothing. */
function openRepository(t: TestContext, files: Files) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "gantry-lint-")));
  t.after(() => rmSync(folder, { recursive: true }));
  const cache = join(folder, "cache");
  const write = (more: Files): void => {
    for (const [path, text] of Object.entries(more)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  };
  execFileSync("git", ["init", "-q"], { cwd: folder });
  write({ ".gitignore": "cache/\nignored.ts\n", "biome.json": `${JSON.stringify(CONFIG, undefined, 2)}\n`, ...files });
  return {
    write,
    damage: (text: string) => writeFileSync(join(cache, "lint.json"), text),
    remove: (path: string) => rmSync(join(folder, path)),
    lint: () => {
      const { hasPassed, checked, output } = lint(folder, cache);
      return { hasPassed, output, checked: checked.filter((path) => path.endsWith(".ts")) };
    },
  };
}

test("lint: a mistake is found in a new file, and again until it is mended", (t) => {
  const repository = openRepository(t, { "a.ts": RIGHT, "ignored.ts": "const  unused = 1" });
  assert.partialDeepStrictEqual(repository.lint(), { hasPassed: true, checked: ["a.ts"] });
  assert.partialDeepStrictEqual(repository.lint(), { hasPassed: true, checked: [] });
  for (const [wrong, finding] of [
    ["export const  spaced = 1;\n", /format/],
    ['import "fs";\n', /useNodejsImportProtocol/],
    ["const unused = 1;\n", /noUnusedVariables/],
    ["export const = 1;\n", /parse/],
  ] as const) {
    repository.write({ "b.ts": wrong });
    for (const _ of [1, 2]) {
      const { hasPassed, checked, output } = repository.lint();
      assert.equal(hasPassed, false, wrong);
      assert.deepEqual(checked, ["b.ts"]);
      assert.match(output, finding);
    }
  }
  repository.write({ "b.ts": RIGHT });
  assert.partialDeepStrictEqual(repository.lint(), { hasPassed: true, checked: ["b.ts"] });
  repository.remove("b.ts");
  assert.partialDeepStrictEqual(repository.lint(), { hasPassed: true, checked: [] });
});

test("lint: a change of the settings checks all files again, and so does a file of another name or a damaged cache", (t) => {
  const repository = openRepository(t, { "a.ts": RIGHT, "inner/c.ts": RIGHT });
  assert.deepEqual(repository.lint().checked, ["a.ts", "inner/c.ts"]);
  repository.write({
    "biome.json": `${JSON.stringify({ ...CONFIG, javascript: { formatter: { quoteStyle: "single" } } })}\n`,
  });
  const { hasPassed, checked } = repository.lint();
  assert.equal(hasPassed, false);
  assert.deepEqual(checked, ["a.ts", "inner/c.ts"]);
  repository.write({ "biome.json": `${JSON.stringify(CONFIG, undefined, 2)}\n`, "package.json": "{}\n" });
  assert.partialDeepStrictEqual(repository.lint(), { hasPassed: true, checked: ["a.ts", "inner/c.ts"] });
  repository.write({ "d.ts": RIGHT });
  assert.deepEqual(repository.lint().checked, ["d.ts"]);
  for (const damaged of ["", "[", "{}", "[1]", '["x"]']) {
    repository.damage(damaged);
    assert.deepEqual(repository.lint().checked, ["a.ts", "d.ts", "inner/c.ts"], damaged);
  }
});
