// Style rules that a formatter cannot check. Every ban says what to do instead.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isTest, sources } from "./sources.ts";

const MAX_LINES = 400;

type Ban = { readonly pattern: RegExp; readonly instead: string; readonly where?: RegExp; readonly tests?: false };

const BANS: readonly Ban[] = [
  { pattern: /:\s*any\b(?=\s*([;,)=\]|>}]|$))|\bas any\b|<any>/, instead: "the real type, or `unknown`" },
  {
    pattern: /biome-ignore(-all|-start)?\b(?! lint\/(a11y\/|suspicious\/noControlCharactersInRegex))/,
    instead: "do what the rule asks; only rules of accessibility and of control characters have exceptions",
  },
  {
    pattern: /node:timers/,
    instead: "time is an argument: `SteppedClock` (runtime/stepped-clock.fixture.ts)",
    where: /\.(test|suite|system)\.tsx?$/,
  },
  { pattern: /@ts-(ignore|nocheck|expect-error)/, instead: "make the types true" },
  {
    // Whatever is compared with it is compared method by method: that made more than half of all types of a compilation.
    pattern: /\bz\.ZodType\b(?!\))/,
    instead: "`z.core.$ZodType`, with `z.parse(schema, …)` and `z.optional(schema)`; or the exact type",
  },
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
  test(`conventions: ${path}`, () => {
    const lines = text.split("\n");
    if (!isTest(path))
      assert.ok(
        lines.length <= MAX_LINES,
        `${lines.length} lines; a file has one responsibility and at most ${MAX_LINES} lines`,
      );
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
    assert.doesNotMatch(
      path,
      /(^|[/-])(index|utils?|helpers?|common|misc)(\.tsx?$|\/)/,
      "a name that says what is inside",
    );
  });
}

/** The one place that types what a journal stores; its casts spare all other code from casting. */
const TYPED_STREAM = "journal/typed-stream.ts";

test("conventions: a cast that the compiler cannot check has its reason in a comment before it", () => {
  const without = sources(/^(?!lab\/)[a-z-]+\/.*\.tsx?$/)
    .filter(({ path }) => !isTest(path) && path !== TYPED_STREAM)
    .flatMap(({ path, text }) => {
      const lines = text.split("\n");
      return lines.flatMap((line, at) =>
        /\bas (unknown|never|object) as\b/.test(line) && !/^\s*\/\/ \S/.test(lines[at - 1] ?? "")
          ? [`${path}:${at + 1} ${line.trim()}`]
          : [],
      );
    });
  assert.deepEqual(without, [], "use a schema, a type guard or the right type, or say why the cast is true");
});

test("conventions: files named decide*.ts have no await", () => {
  for (const { path, text } of sources(/\/decide[^/]*\.ts$/)) {
    if (!isTest(path)) assert.doesNotMatch(text, /\bawait\b|\basync\b|\bPromise\b|\.then\(/, path);
  }
});

test("conventions: all code is TypeScript, in .ts and .tsx files, which the other checks read", () => {
  const others = sources(/\.([cm]js|jsx?|[cm]ts)$/).map(({ path }) => path);
  assert.deepEqual(
    others.filter((path) => !path.startsWith("pipelines/templates/")),
    [],
  );
});

/**
 * What the rest of the code may find in a connector folder (lab/repo-checks/import-boundaries.suite.ts refuses everything else
 * there). A missing file is a missing capability. Other files are private: they can have any name but a variant of these.
 */
const CONNECTOR_FILES = ["client.ts", "steps.ts", "watch.ts", "check.ts", "channel.ts"];
const VARIANTS =
  /^(?:clients|step|watch(?:er|es|ing)|checks|checking|channels|(?:client|steps?|watch|check|channel)s?-?\d)\.ts$/i;

for (const [folder, files] of Map.groupBy(sources(/^connectors\/[^/]+\//), ({ path }) => path.split("/")[1] ?? "")) {
  test(`conventions: connectors/${folder} has the files of a connector`, () => {
    const names = files.map(({ path }) => path.slice(`connectors/${folder}/`.length));
    assert.ok(names.includes("README.md"), `connectors/${folder} has no README.md`);
    assert.ok(
      names.some((name) => CONNECTOR_FILES.includes(name)),
      `connectors/${folder} has none of ${CONNECTOR_FILES.join(", ")}`,
    );
    assert.deepEqual(
      names.filter((name) => VARIANTS.test(name)),
      [],
      `connectors/${folder} has a variant of ${CONNECTOR_FILES.join(", ")}: give it one of these names, or one of its own`,
    );
  });
}

test("conventions: every icon that the console names is a symbol of its sprite", () => {
  const sprite = sources(/^console\/src\/sprite\.svg$/)[0]?.text ?? "";
  for (const { path, text } of sources(/^console\/src\/.*\.tsx?$/)) {
    for (const [, name] of text.matchAll(/(?:\bicon: |<Icon name=)"([a-z-]+)"/g))
      assert.ok(sprite.includes(`id="i-${name}"`), `${path}: console/src/sprite.svg has no symbol i-${name}`);
  }
});
