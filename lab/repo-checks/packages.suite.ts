// Every workspace declares exactly the packages that it imports: `dependencies` what its product files import,
// `devDependencies` what only its tests import. Packages of the root's devDependencies may be used by tests, by build
// scripts and by the lab.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { DEMO, isTest } from "./sources.ts";
import { importsOf, project } from "./typescript-project.ts";

type Manifest = {
  readonly workspaces?: readonly string[];
  readonly engines?: { readonly node?: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
};

/** Programs and type packages of the root: nothing imports them by name. */
const TOOLS = /^(@biomejs\/biome|node|typescript|@types\/.*)$/;
/** Files that run when the project is built, not when it is used. */
const BUILD_SCRIPTS = /^(console\/build\.ts|deploy\/image\/compile\.ts)$/;

const ROOT = new URL("../../", import.meta.url);
const manifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`${folder}package.json`, ROOT)), "utf8")) as Manifest;
const root = manifest("");
const rootPackages = Object.keys(root.devDependencies ?? {});

/** `@scope/name` or `name`; undefined for files and for what Node has. */
function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith(".") || isBuiltin(specifier)) return undefined;
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

const used = project.files.flatMap((file) =>
  importsOf(file).flatMap(({ specifier }) => {
    const name = packageOf(specifier);
    return name === undefined ? [] : [{ path: file.path, name }];
  }),
);

for (const workspace of root.workspaces ?? []) {
  const mine = used.filter(({ path }) => path.startsWith(`${workspace}/`));
  const { dependencies = {}, devDependencies = {} } = manifest(`${workspace}/`);
  const isProduct = (path: string): boolean =>
    !isTest(path) && !BUILD_SCRIPTS.test(path) && (workspace !== "lab" || DEMO.test(path));
  const product = new Set(
    mine.filter(({ path, name }) => isProduct(path) && name !== `@gantry/${workspace}`).map(({ name }) => name),
  );

  test(`packages: ${workspace} declares what its product files import`, () => {
    assert.deepEqual(
      Object.keys(dependencies).toSorted(),
      [...product].toSorted(),
      `dependencies of ${workspace}/package.json`,
    );
  });

  test(`packages: ${workspace} declares what its tests import`, () => {
    // Workspaces are always there, so tests need not declare them.
    const tests = new Set(
      mine
        .filter(({ path }) => !isProduct(path))
        .map(({ name }) => name)
        .filter((name) => !name.startsWith("@gantry/") && !product.has(name) && !rootPackages.includes(name)),
    );
    assert.deepEqual(
      Object.keys(devDependencies).toSorted(),
      [...tests].toSorted(),
      `devDependencies of ${workspace}/package.json`,
    );
  });
}

test("packages: every package of the root is used", () => {
  const names = new Set(used.map(({ name }) => name));
  assert.deepEqual(
    rootPackages.filter((name) => !TOOLS.test(name) && !names.has(name)),
    [],
    "remove it from devDependencies",
  );
});

test("packages: every package of types is of a package that is used", () => {
  const names = new Set(used.map(({ name }) => name));
  const typed = (name: string): string => name.replace("@types/", "").replace(/^(.+)__(.+)$/, "@$1/$2");
  assert.deepEqual(
    rootPackages.filter((name) => /^@types\/(?!node$)/.test(name) && !names.has(typed(name))),
    [],
    "remove it from devDependencies",
  );
});

test("packages: npm ci works without warnings on the oldest Node.js that the README allows", () => {
  const read = (name: string): string => readFileSync(fileURLToPath(new URL(name, ROOT)), "utf8");
  const oldest = String(root.engines?.node).replace(">=", "");
  assert.ok(
    read("README.md").includes(`Node.js ${oldest} or later`),
    "the README and package.json name the same version",
  );
  assert.ok(Number.parseFloat(oldest) <= 20.17, "npm of Node.js 20 is enough: Gantry brings its own Node.js");
  // Some packages ask for a newer Node.js. They run on the one that Gantry brings, so npm need not warn of each.
  const settings = read(".npmrc").split("\n");
  assert.ok(settings.includes("loglevel=error"));
  assert.ok(!settings.some((line) => line.startsWith("engine-strict")), "it would refuse the older Node.js");
  assert.ok(Number.parseInt(String(root.devDependencies?.node), 10) >= 24, "the Node.js that npm ci installs");
});
