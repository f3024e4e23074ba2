// docs/architecture.md lists the files that a log line passes through. The list may have at most 14, its files exist, and
// every file of the folders for logs is in it or named beside it, so that a new one cannot be forgotten.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isTest, sources } from "./sources.ts";

const MAX_FILES = 14;
const LOG_FOLDERS = /^(task-runner\/logs|task-agent\/logs|portal-api\/log|console\/src\/log)\//;

const [page] = sources(/^docs\/architecture\.md$/);
const section = page?.text.split(/^## /m).find((part) => part.startsWith("7. The path of a log line")) ?? "";
const path = [...section.matchAll(/^\d+\. `([^`]+)`/gm)].map(([, file]) => file ?? "");
const named = [...section.matchAll(/`([\w./-]+\.tsx?)`/g)].map(([, file]) => file ?? "");
const existing = sources(/\.tsx?$/).map((file) => file.path);

test(`a log line passes through at most ${MAX_FILES} files`, () => {
  assert.ok(path.length > 5, "docs/architecture.md does not list the files");
  assert.ok(path.length <= MAX_FILES, `${path.length} files`);
  assert.equal(new Set(path).size, path.length, "a file is listed twice");
});

test("the files of the path exist", () => {
  assert.deepEqual(
    named.filter((file) => !existing.includes(file)),
    [],
  );
});

test("every file for logs is on the path, or named beside it", () => {
  const unnamed = existing.filter((file) => LOG_FOLDERS.test(file) && !isTest(file) && !named.includes(file));
  assert.deepEqual(unnamed, []);
});
