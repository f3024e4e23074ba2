// Style that a formatter cannot check. Every ban says what to do instead.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isTest, sources } from "./sources.ts";

const MAX_LINES = 400;

type Ban = { readonly pattern: RegExp; readonly instead: string; readonly where?: RegExp; readonly tests?: false };

const BANS: readonly Ban[] = [
  { pattern: /:\s*any\b(?=\s*([;,)=\]|>}]|$))|\bas any\b|<any>/, instead: "say what it is, or `unknown`" },
  { pattern: /@ts-(ignore|nocheck|expect-error)/, instead: "make the types true" },
  { pattern: /\bexport default\b/, instead: "a named export", where: /^(?!lab\/test-reporter)/ },
  { pattern: /\b(it|test|describe)\.(only|todo)\b/, instead: "run it or remove it" },
  { pattern: /\bassert\.ok\(true\)/, instead: "assert something that can be false" },
  { pattern: /\bcatch\s*(\([^)]*\))?\s*\{\s*\}/, instead: "handle the error, or say why it does not matter" },
  {
    pattern: /\bTODO\b|\bFIXME\b|\bXXX\b/,
    instead: "do it, or write an issue",
    where: /^(?!lab\/(repo-checks|fakes)\/|pipelines\/templates)/,
  },
  {
    pattern: /\bprocess\.env\b/,
    instead: "configuration is read once, in main.ts",
    where: /^(?!cli\/|lab\/|deploy\/image\/|runtime\/process\/run-process\.ts|[a-z-]+\/main\.ts)/,
    tests: false,
  },
  {
    pattern: /\bsetTimeout\(|\bsetInterval\(|node:timers/,
    instead: "a step answers `waiting`; the runner owns the timers",
    where: /^connectors\/.*steps\.ts$/,
  },
];

for (const { path, text } of sources(/^[a-z-]+\/.*\.tsx?$/)) {
  test(`tidy: ${path}`, () => {
    const lines = text.split("\n");
    if (!isTest(path))
      assert.ok(lines.length <= MAX_LINES, `${lines.length} lines; a file is one thought, at most ${MAX_LINES} lines`);
    for (const ban of BANS) {
      if (
        (ban.where && !ban.where.test(path)) ||
        (ban.tests === false && isTest(path)) ||
        path === "lab/repo-checks/conventions.test.ts"
      )
        continue;
      const at = lines.findIndex((line) => ban.pattern.test(line));
      assert.equal(at, -1, `line ${at + 1}: ${lines[at]?.trim()} — instead: ${ban.instead}`);
    }
    assert.doesNotMatch(path, /(^|\/)(index|utils?|helpers?|common|misc)\.tsx?$/, "a name that says what is inside");
  });
}

test("tidy: files named decide*.ts do not wait", () => {
  for (const { path, text } of sources(/\/decide[^/]*\.ts$/)) {
    if (!isTest(path)) assert.doesNotMatch(text, /\bawait\b|\basync\b/, path);
  }
});

// git-group.sh is what a library starts in place of git; it cannot be TypeScript without a Node process per call.
const CONNECTOR_FILES =
  /^(client|steps|webhook|channel|[a-z0-9-]+)(\.(test|suite|fixture|contract))*\.ts$|^README\.md$|^git-group\.sh$/;

test("tidy: every connector folder has a README and only code of its own", () => {
  const byFolder = Map.groupBy(sources(/^connectors\/[^/]+\//), ({ path }) => path.split("/")[1] ?? "");
  for (const [folder, files] of byFolder) {
    const names = files.map(({ path }) => path.slice(`connectors/${folder}/`.length));
    assert.ok(names.includes("README.md"), `connectors/${folder} has no README.md`);
    for (const name of names) {
      if (!name.startsWith("fixtures/")) assert.match(name, CONNECTOR_FILES, `connectors/${folder}/${name}`);
    }
  }
});
