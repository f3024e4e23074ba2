// Sizes: how long a function of the product may be, and how many files a folder may have.

import assert from "node:assert/strict";
import { posix } from "node:path";
import { test } from "node:test";
import { isTest } from "./sources.ts";
import { functionsOf, importsOf, loadedLinesOf, project } from "./typescript-project.ts";

const MAX_FUNCTION_LINES = 80;
const MAX_FOLDER_FILES = 25;

/** Folders whose files are all of one kind: one file per member of the list in the file named here. */
const ONE_KIND: Readonly<Record<string, string>> = { "portal-api/routes": "routes.ts" };

const product = project.files.filter(({ path }) => path.includes("/") && !path.startsWith("lab/") && !isTest(path));

test(`sizes: no function has more than ${MAX_FUNCTION_LINES} lines without a reason`, () => {
  const tooLong = product.flatMap((file) =>
    functionsOf(file)
      .filter(({ lines, reason }) => lines > MAX_FUNCTION_LINES && reason === undefined)
      .map(({ line, lines, name }) => `${file.path}:${line} ${lines} lines: ${name}`),
  );
  assert.deepEqual(tooLong, [], "split it along its responsibilities, or write `// long: <the reason>` above it");
});

test(`sizes: no file runs more than ${MAX_FUNCTION_LINES} lines outside of functions when it is loaded`, () => {
  const tooLong = product.filter((file) => loadedLinesOf(file) > MAX_FUNCTION_LINES).map(({ path }) => path);
  assert.deepEqual(tooLong, [], "move the statements into functions");
});

test("sizes: no reason is given for a function that is short", () => {
  const needless = product.flatMap((file) => {
    const reasons = file.text.split("\n").filter((line) => line.includes("// long: ")).length;
    const used = functionsOf(file).filter(({ lines, reason }) => lines > MAX_FUNCTION_LINES && reason !== undefined);
    return reasons > used.length ? [file.path] : [];
  });
  assert.deepEqual(needless, [], "remove the comment `// long: …`");
});

test(`sizes: no folder has more than ${MAX_FOLDER_FILES} source files, unless they are of one kind`, () => {
  const sources = project.files.filter(({ path }) => path.includes("/") && !isTest(path));
  const folders = Map.groupBy(sources, ({ path }) => posix.dirname(path));
  const full = [...folders]
    .filter(([folder, files]) => files.length > MAX_FOLDER_FILES && ONE_KIND[folder] === undefined)
    .map(([folder, files]) => `${folder}: ${files.length} files`);
  assert.deepEqual(full, [], "sort the files into folders that show what belongs together");
});

for (const [folder, list] of Object.entries(ONE_KIND)) {
  test(`sizes: ${folder} has so many files because each is imported by ${list}, or by one that is`, () => {
    const files = project.files.filter(({ path }) => posix.dirname(path) === folder && !isTest(path));
    assert.ok(files.length > MAX_FOLDER_FILES, `${folder} is small: remove it from ONE_KIND`);
    const reached = new Set<string>();
    const reach = (path: string): void => {
      const file = files.find((one) => one.path === path);
      if (!file || reached.has(path)) return;
      reached.add(path);
      for (const { specifier } of importsOf(file)) reach(posix.join(folder, specifier));
    };
    reach(`${folder}/${list}`);
    assert.deepEqual(
      files.map(({ path }) => path).filter((path) => !reached.has(path)),
      [],
      `not in the list of ${folder}/${list}`,
    );
  });
}
