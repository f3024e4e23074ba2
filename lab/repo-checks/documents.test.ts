// What the documents refer to exists: files and headings of links, scripts of package.json, metrics, and a decision record
// for each package.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { posix } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { findCommand } from "@gantry/cli/line/find-command.ts";
import { isTest, sources } from "./sources.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const pages = new Map(sources(/\.md$/).map(({ path, text }) => [path, text]));
/** History names what was there then. */
const HISTORY = /^(CHANGELOG\.md|docs\/decisions\/)/;

const withoutCode = (text: string): string => text.replaceAll(/^```.*?^```/gms, "");

/** The anchors of a page's headings, as GitHub writes them. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading);
  const slugs = headings.map((heading) =>
    heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-"),
  );
  return new Set(slugs);
}

for (const [path, text] of pages) {
  test(`documents: the links of ${path} lead somewhere`, () => {
    for (const [, target = ""] of withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file = "", anchor] = target.split("#");
      const linked = file === "" ? path : posix.join(posix.dirname(path), file);
      assert.ok(existsSync(`${ROOT}${linked}`), `${target}: there is no ${linked}`);
      const linkedText = pages.get(linked);
      if (anchor !== undefined && linkedText !== undefined)
        assert.ok(anchorsOf(linkedText).has(anchor), `${target}: ${linked} has no such heading`);
    }
  });
}

const manifests = sources(/^([a-z-]+\/)?package\.json$/).map(({ text }) => JSON.parse(text) as Manifest);
type Manifest = {
  readonly name: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
};
const current = [...pages].filter(([path]) => !HISTORY.test(path));

/** Does a document say something that is not there? `pattern` captures the name. */
function missingNames(pattern: RegExp, exists: (name: string) => boolean): readonly string[] {
  return current.flatMap(([path, text]) =>
    [...text.matchAll(pattern)].flatMap(([, name = ""]) => (exists(name) ? [] : [`${path}: ${name}`])),
  );
}

test("documents: every `npm run …` is a script of package.json", () => {
  const scripts = manifests.find(({ name }) => name === "gantry")?.scripts ?? {};
  assert.deepEqual(
    missingNames(/\bnpm run ([\w:-]+)/g, (name) => Object.hasOwn(scripts, name)),
    [],
  );
});

test("documents: every metric is one that a process has", () => {
  const code = sources(/\.tsx?$/)
    .filter(({ path }) => !isTest(path) && !path.startsWith("lab/"))
    .map(({ text }) => text)
    .join("\n");
  const known = new Set(code.match(/\bgantry_[a-z_]+\b/g));
  const isKnown = (name: string): boolean => known.has(name.replace(/_(bucket|sum|count)$/, "")) || known.has(name);
  assert.deepEqual(missingNames(/\b(gantry_[a-z][a-z_]*[a-z])\b/g, isKnown), []);
});

test("documents: every command `gantry …` is one that the program has", () => {
  const isKnown = (line: string): boolean => {
    const words = line.split(" ");
    const found = findCommand(words);
    // A text may also name a group of commands: "with `gantry archive`".
    return found.kind !== "unknown" || (words.length === 1 && found.group !== undefined);
  };
  assert.deepEqual(missingNames(/(?:^|`)gantry ([a-z][a-z-]*(?: [a-z][a-z-]*)?)/gm, isKnown), []);
});

const records = [...pages].filter(([path]) => /^docs\/decisions\/\d/.test(path));

test("documents: decision records are numbered without gaps, and each has its number in the title", () => {
  const numbers = records.map(([path]) => posix.basename(path).slice(0, 4)).toSorted();
  assert.deepEqual(
    numbers,
    numbers.map((_, at) => String(at + 1).padStart(4, "0")),
  );
  for (const [path, text] of records) assert.match(text, new RegExp(`^# ${posix.basename(path).slice(0, 4)} `), path);
});

const packages = manifests.flatMap((one) => Object.keys({ ...one.dependencies, ...one.devDependencies }));
for (const name of new Set(packages.filter((one) => !/^@(gantry|types)\//.test(one)))) {
  test(`documents: a decision record names the package ${name}`, () => {
    assert.ok(
      records.some(([, text]) => text.includes(`\`${name}\``)),
      "say in a record of docs/decisions why it is used, who keeps it, its size and its licence",
    );
  });
}
