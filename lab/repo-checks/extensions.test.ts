// What CONTRIBUTING.md asks for when something is added, where no compiler asks: files, tests and lines of documents.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gitSystem } from "@gantry/core/site/systems.ts";
import { sources } from "./sources.ts";

const textOf = (path: string): string => sources(/./).find((one) => one.path === path)?.text ?? "";

for (const provider of gitSystem.shape.provider.options) {
  test(`extensions: the git host ${provider} has the shared tests and a row in the table of providers`, () => {
    const suite = `connectors/${provider}/client.test.ts`;
    assert.ok(textOf(suite).includes(`hostSuite("${provider}")`), `${suite} does not call hostSuite("${provider}")`);
    const guide = "connectors/git/README.md";
    assert.match(textOf(guide), new RegExp(`^\\| ${provider} +\\|`, "m"), `${guide}: no row for ${provider}`);
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

test("extensions: every shortcut opens one page", () => {
  const table = "console/src/frame/pages.tsx";
  const letters = [...textOf(table).matchAll(/\bshortcut: "(.+?)"/g)].map(([, letter]) => letter);
  assert.ok(letters.length > 1, `no shortcuts found in ${table}`);
  const twice = letters.filter((letter, at) => letters.indexOf(letter) !== at);
  assert.deepEqual(twice, [], `${table}: two pages have the same shortcut`);
});
