// Style rules that a formatter cannot check. Every ban says what to do instead.

import assert from "node:assert/strict";
import { dirname } from "node:path";
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

/** What a connector folder can have; a missing file is a missing capability. Tests of these are allowed, too. */
const CONNECTOR_FILES = ["client.ts", "steps.ts", "watch.ts", "check.ts", "channel.ts", "README.md"];

/** Private parts of connectors. Add a name when one of the files above has more than one responsibility. */
const PRIVATE_FILES: Readonly<Record<string, readonly string[]>> = {
  "argo-cd": [
    "applications-step.ts",
    "check-git.ts",
    "cluster-step.ts",
    "decide-comparison.ts",
    "decide-observed.ts",
    "decide-repository.ts",
    "decide-sync.ts",
    "decide-wait.ts",
    "desired.ts",
    "diff.ts",
    "end-sync-step.ts",
    "ensure-steps.ts",
    "image-use.ts",
    "look-at-repository.ts",
    "model.ts",
    "permits.ts",
    "place.ts",
    "plan/carry.ts",
    "plan/decide-plan.ts",
    "plan/decide-warnings.ts",
    "plan/hide.ts",
    "plan/plan-step.ts",
    "plan/planned-images.ts",
    "plan/unified-diff.ts",
    "refusals.ts",
    "repository-step.ts",
    "same-place.ts",
    "stream.ts",
  ],
  artifact: ["cache-steps.ts"],
  "bitbucket-cloud": ["api.ts", "pull-requests.ts"],
  "bitbucket-dc": ["pull-requests.ts"],
  build: [
    "commands.ts",
    "decide-build.ts",
    "decide-images.ts",
    "find-images-step.ts",
    "folder.ts",
    "kinds.ts",
    "node-commands.ts",
    "python-commands.ts",
    "read-sources.ts",
    "step-parts.ts",
  ],
  callback: [],
  definitions: [],
  git: [
    "checkout.ts",
    "commit-status-step.ts",
    "commit.ts",
    "contents.ts",
    "decide-contents.ts",
    "decide-merge.ts",
    "ensure-repository.ts",
    "folders.ts",
    "git-alone.sh",
    "git-group.sh",
    "git.ts",
    "host.ts",
    "hosts.ts",
    "lfs.ts",
    "links.ts",
    "may-use.ts",
    "mirror.ts",
    "names.ts",
    "own-commit.ts",
    "polling/poll-step.ts",
    "polling/read-change.ts",
    "pull-request-steps.ts",
    "sdk.ts",
    "step-parts.ts",
    "templates/check-template.ts",
    "templates/list-templates.ts",
    "templates/push-template.ts",
    "templates/shipped-templates.ts",
    "templates/template-paths.ts",
    "templates/template-text.ts",
    "templates/template.ts",
  ],
  gitea: ["pull-requests.ts"],
  gitee: ["pull-requests.ts"],
  github: ["pull-requests.ts"],
  gitlab: ["api.ts", "pull-requests.ts"],
  harbor: ["decide-scan.ts"],
  image: [
    "assemble.ts",
    "base-image.ts",
    "build-context.ts",
    "builders.ts",
    "copy-files.ts",
    "copy-image.ts",
    "copy-step.ts",
    "decide-build-failure.ts",
    "decide-builder.ts",
    "decide-hosts.ts",
    "dockerfile/dockerfile.ts",
    "dockerfile/dockerignore.ts",
    "dockerfile/expansion.ts",
    "dockerfile/interpret.ts",
    "dockerfile/metadata.ts",
    "dockerfile/path-pattern.ts",
    "dockerfile/shell-pattern.ts",
    "dockerfile/shell-words.ts",
    "image-paths.ts",
    "layer.ts",
    "oci-layout.ts",
    "push-image.ts",
    "referenced-images.ts",
    "site-registry.ts",
    "verify-step.ts",
  ],
  jira: ["adf.ts"],
  mail: ["address.ts", "decide-delivery.ts", "render.ts"],
  messenger: ["escape.ts", "presets.ts", "template.ts"],
  nexus: ["settings-files.ts"],
  oci: ["manifest.ts", "may-use.ts", "reference.ts", "transport.ts", "upload.ts"],
  sonarqube: ["decide-branch.ts", "decide-gate.ts", "decide-scan-failure.ts", "report-task.ts", "scanner.ts"],
  system: ["known-checks.ts"],
  "test-results": ["coverage.ts", "find-files.ts", "junit.ts", "parse-xml.ts", "read-results.ts", "sarif.ts"],
  yaml: [
    "aliases.ts",
    "application-places.ts",
    "block-text.ts",
    "document.ts",
    "files.ts",
    "find-images-step.ts",
    "image-text.ts",
    "images-step.ts",
    "kustomize/entries.ts",
    "kustomize/pod-images.ts",
    "kustomize/reach.ts",
    "kustomize/use.ts",
    "layout.ts",
    "manifest-places.ts",
    "places.ts",
    "read-facts.ts",
    "reader-differences.ts",
    "scalar-text.ts",
    "set-image.ts",
    "set-images.ts",
    "set-path.ts",
    "splice.ts",
    "spots.ts",
    "step-parts.ts",
    "values-layers.ts",
    "values-places.ts",
    "verify.ts",
  ],
};

const connectorFolders = Map.groupBy(sources(/^connectors\/[^/]+\//), ({ path }) => path.split("/")[1] ?? "");

test("conventions: every connector folder is in the list of private files, and only those", () => {
  assert.deepEqual(
    [...connectorFolders.keys()].toSorted(),
    Object.keys(PRIVATE_FILES).toSorted(),
    "add each connector folder to PRIVATE_FILES in this file, with an empty list if it has no private files",
  );
});

for (const [folder, files] of connectorFolders) {
  test(`conventions: connectors/${folder} has the files of a connector`, () => {
    const names = files.map(({ path }) => path.slice(`connectors/${folder}/`.length));
    const parts = PRIVATE_FILES[folder] ?? [];
    const known = new Set([...CONNECTOR_FILES, ...parts]);
    assert.ok(names.includes("README.md"), `connectors/${folder} has no README.md`);
    const isKnown = (name: string): boolean =>
      known.has(name) ||
      (isTest(name) && (!name.includes("/") || parts.some((part) => dirname(part) === dirname(name))));
    assert.deepEqual(
      names.filter((name) => !isKnown(name)),
      [],
      `connectors/${folder} has files with other names: ${CONNECTOR_FILES.join(", ")}, or one of PRIVATE_FILES`,
    );
    assert.deepEqual(
      parts.filter((name) => !names.includes(name)),
      [],
      `PRIVATE_FILES names files of connectors/${folder} that do not exist`,
    );
    assert.ok(
      names.some((name) => CONNECTOR_FILES.includes(name) && name !== "README.md"),
      `connectors/${folder} has none of ${CONNECTOR_FILES.join(", ")}`,
    );
  });
}

test("conventions: texts in the elements of the console mark code by an element, not by backticks", () => {
  const texts = sources(/^console\/src\/.*\.tsx$/).flatMap(({ path, text }) =>
    text
      .split("\n")
      .filter((line) => /(?<!=)>[^<>{}()]*`[^<>{}()]*<|^\s+[A-Z][^<>{}();=]*`[^<>{}();=]*$/.test(line))
      .map((line) => `${path}: ${line.trim()}`),
  );
  assert.deepEqual(texts, []);
});

test("conventions: every icon that the console names is a symbol of its sprite", () => {
  const sprite = sources(/^console\/src\/sprite\.svg$/)[0]?.text ?? "";
  for (const { path, text } of sources(/^console\/src\/.*\.tsx?$/)) {
    for (const [, name] of text.matchAll(/(?:\bicon: |<Icon name=)"([a-z-]+)"/g))
      assert.ok(sprite.includes(`id="i-${name}"`), `${path}: console/src/sprite.svg has no symbol i-${name}`);
  }
});
