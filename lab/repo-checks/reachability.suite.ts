// Code that nothing runs: files that no entry point imports, directly or through others, and exports that nobody uses. So a
// page, a step or a route that is missing in its table is found, too.

import assert from "node:assert/strict";
import { posix } from "node:path";
import { test } from "node:test";
import { DEMO, isTest } from "./sources.ts";
import { importsOf, project } from "./typescript-project.ts";

/** Where processes, scripts and the bundles of the console start. Tests are entry points of fakes, but not of the product. */
const ENTRY =
  /^([a-z-]+\/main\.ts|console\/(build|src\/boot)\.ts|console\/src\/main\.tsx|deploy\/image\/[a-z-]+\.ts|lab\/fakes\/oidc\/main\.ts)$/;

/** Files that only tests and the lab use and that are no fixtures, each with its reason. */
const NOT_IN_PRODUCT: Readonly<Record<string, string>> = {
  "core/step/describe.ts": "lab/catalogue.ts writes pipelines/catalogue.json with it",
  "journal/memory/memory.ts":
    "an adapter of the journal, for tests and the simulator; it passes the suite of all adapters",
  "task-runner/workers/in-process-executor.ts": "an adapter of the job executor, for tests and the simulator",
  "wire/bus/memory-bus.ts": "an adapter of the bus, for tests and the simulator; it passes the suite of all adapters",
};

const files = project.files.filter(({ path }) => path.includes("/"));
const imported = new Map(
  files.map((file) => [
    file.path,
    new Set(
      importsOf(file).flatMap(({ specifier }) =>
        specifier.startsWith(".")
          ? posix.join(posix.dirname(file.path), specifier)
          : specifier.startsWith("@gantry/")
            ? specifier.replace("@gantry/", "")
            : [],
      ),
    ),
  ]),
);
const isOutside = (path: string): boolean => path.startsWith("lab/") && !DEMO.test(path);
const isProduct = (path: string): boolean => !isTest(path) && !isOutside(path);

function reachedFrom(entries: readonly string[]): ReadonlySet<string> {
  const reached = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    waiting.push(...(imported.get(path) ?? []));
  }
  return reached;
}

test("reachability: an entry point imports every file of the product, directly or through others", () => {
  const paths = files.map(({ path }) => path);
  const byProduct = reachedFrom(paths.filter((path) => ENTRY.test(path)));
  const byTests = reachedFrom(paths.filter((path) => isTest(path) || isOutside(path)));
  const isReached = (path: string): boolean => byProduct.has(path) || (DEMO.test(path) && byTests.has(path));
  const unreached = paths.filter((path) => isProduct(path) && !isReached(path));
  assert.deepEqual(
    unreached.toSorted(),
    Object.keys(NOT_IN_PRODUCT).toSorted(),
    "remove the file, or add what it declares to its table (routes, pages, steps, channels)",
  );
});

test("reachability: every export is used, in its file or in another one", () => {
  const importers = new Map<string, string[]>();
  const words = new Map(files.map(({ path, text }) => [path, new Set(text.match(/[\w$]+/g))]));
  for (const [path, targets] of imported)
    for (const target of targets) importers.set(target, [...(importers.get(target) ?? []), path]);
  const unused = files
    .filter(({ path }) => isProduct(path))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/^export (?:async )?(?:function\*?|const|let|class|type|interface) (\w+)/gm)]
        .map(([, name = ""]) => name)
        .filter((name) => !importers.get(path)?.some((importer) => words.get(importer)?.has(name)))
        .filter((name) => [...text.matchAll(new RegExp(`\\b${name}\\b`, "g"))].length === 1)
        .map((name) => `${path}: ${name}`),
    );
  assert.deepEqual(unused, [], "remove it, or add it to its table");
});
