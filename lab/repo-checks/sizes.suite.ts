// Sizes: how long a function of the product may be, and how many files a folder may have.

import assert from "node:assert/strict";
import { posix } from "node:path";
import { test } from "node:test";
import { isTest } from "./sources.ts";
import { functionsOf, project } from "./typescript-project.ts";

const MAX_FUNCTION_LINES = 80;
const MAX_FOLDER_FILES = 25;

/** Folders whose files are all of one kind, one file per member of a list. */
const ONE_KIND = /\/(routes|pages|steps|events)$/;

const product = project.files.filter(({ path }) => path.includes("/") && !path.startsWith("lab/") && !isTest(path));

test(`sizes: no function has more than ${MAX_FUNCTION_LINES} lines without a reason`, () => {
  const tooLong = product.flatMap((file) =>
    functionsOf(file)
      .filter(({ lines, reason }) => lines > MAX_FUNCTION_LINES && reason === undefined)
      .map(({ line, lines, name }) => `${file.path}:${line} ${lines} lines: ${name}`),
  );
  assert.deepEqual(tooLong, [], "split it along its responsibilities, or write `// long: <the reason>` above it");
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
    .filter(([folder, files]) => files.length > MAX_FOLDER_FILES && !ONE_KIND.test(folder))
    .map(([folder, files]) => `${folder}: ${files.length} files`);
  assert.deepEqual(full, [], "sort the files into folders that show what belongs together");
});
