// What CONTRIBUTING.md asks for when something is added, where no compiler asks: files, tests and lines of documents.

import assert from "node:assert/strict";
import { test } from "node:test";
import { messengerConfig } from "@gantry/connectors/messenger/channel.ts";
import { gitSystem } from "@gantry/core/site/systems.ts";
import { WEBHOOK_HOSTS } from "@gantry/core/webhook/delivery.ts";
import { sources } from "./sources.ts";

const TEXTS = new Map(sources(/\.(?:tsx?|md|json|yaml|svg)$/).map(({ path, text }) => [path, text]));
const textOf = (path: string): string => TEXTS.get(path) ?? "";

for (const provider of gitSystem.shape.provider.options) {
  test(`extensions: the git host ${provider} has the shared tests and a row in the table of providers`, () => {
    const suite = `connectors/${provider}/client.test.ts`;
    assert.ok(textOf(suite).includes(`hostSuite("${provider}")`), `${suite} does not call hostSuite("${provider}")`);
    const guide = "connectors/git/README.md";
    const tables = textOf(guide).match(/^\| provider .*\n(?:\|.*\n)+/gm) ?? [];
    assert.ok(tables.length > 1, `no tables of providers found in ${guide}`);
    for (const table of tables) {
      const [title = ""] = table.split("\n");
      assert.match(table, new RegExp(`^\\| ${provider} +\\|`, "m"), `${guide}: no row for ${provider} in: ${title}`);
    }
  });
}

for (const host of WEBHOOK_HOSTS) {
  test(`extensions: docs/webhooks.md says how to set up a webhook of ${host}`, () => {
    assert.match(
      textOf("docs/webhooks.md"),
      new RegExp(`^\\| \`${host}\` \\|`, "m"),
      `docs/webhooks.md: no row for ${host} in the table of hosts`,
    );
  });
}

for (const { path } of sources(/^connectors\/[^/]+\/channel\.ts$/)) {
  const folder = path.replace(/\/channel\.ts$/, "");
  test(`extensions: the channel of ${folder} can be configured, is tested and is described`, () => {
    assert.ok(
      textOf("notify-agent/channels.ts").includes(path),
      `add ${path} to CHANNEL_KINDS in notify-agent/channels.ts`,
    );
    assert.notEqual(textOf(`${folder}/channel.test.ts`), "", `${folder}/channel.test.ts is missing`);
    assert.ok(
      textOf("docs/processes.md").includes(`${folder}/README.md`),
      `docs/processes.md: name ${folder}/README.md`,
    );
  });
}

test("extensions: the README of the messenger has an example of every preset", () => {
  const guide = "connectors/messenger/README.md";
  for (const { shape } of messengerConfig.options) {
    const line = `preset: ${shape.preset.value}`;
    assert.ok(textOf(guide).includes(line), `${guide}: no example with ${line}`);
  }
});

test("extensions: the README of its connector describes every step", () => {
  const table = textOf("connectors/steps.ts");
  const steps = [...table.matchAll(/^ {2}"([a-z-]+\/[a-z-]+)": .*import\("\.\/([a-z-]+)\//gm)];
  assert.equal(steps.length, table.match(/^ {2}"/gm)?.length, "a step has another form than the others");
  const missing = steps.filter(([, step, folder]) => !textOf(`connectors/${folder}/README.md`).includes(`\`${step}\``));
  assert.deepEqual(
    missing.map(([, step, folder]) => `${step} in connectors/${folder}/README.md`),
    [],
  );
});

test("extensions: every shortcut opens one page", () => {
  const table = "console/src/frame/pages.tsx";
  const letters = [...textOf(table).matchAll(/\bshortcut: "(.+?)"/g)].map(([, letter]) => letter);
  assert.ok(letters.length > 1, `no shortcuts found in ${table}`);
  const twice = letters.filter((letter, at) => letters.indexOf(letter) !== at);
  assert.deepEqual(twice, [], `${table}: two pages have the same shortcut`);
});

/** Files that a guide names, such as `core/task/events.ts`; not those with a place for a name (`<system>`, `things`) or a star. */
const FILE = /`([a-z](?:[a-z0-9.-]+\/)+[a-z0-9.-]+\.(?:tsx?|md|json|yaml|svg))`/g;
/** "`PAGES` in `console/src/frame/pages.tsx`" and "`callSdk` (`connectors/git/sdk.ts`". */
const NAME_IN_FILE = /`(\w+)`\s+(?:in\s+|\()`((?:[a-z0-9.-]+\/)+[a-z0-9.-]+\.tsx?)`/g;
/** Files that the reader makes. */
const TO_BE_MADE = /\/(?:list-)?things\.tsx?$/;

for (const guide of ["CONTRIBUTING.md", "README.md", "docs/architecture.md"]) {
  test(`extensions: the files, and the names in files, that ${guide} refers to exist`, () => {
    const text = textOf(guide);
    const files = [...text.matchAll(FILE)].map(([, path = ""]) => path);
    assert.ok(files.length > 5, `no files found in ${guide}`);
    const missing = files.filter((path) => !TEXTS.has(path) && !TO_BE_MADE.test(path));
    assert.deepEqual(missing, [], `${guide} refers to files that do not exist`);
    const unknown = [...text.matchAll(NAME_IN_FILE)].filter(([, name = "", path = ""]) => !textOf(path).includes(name));
    assert.deepEqual(
      unknown.map(([words]) => words),
      [],
      `${guide} refers to names that the file does not have`,
    );
  });
}
