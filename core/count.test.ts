// Texts with a number in them, and what ended a script.

import assert from "node:assert/strict";
import { test } from "node:test";
import { counted } from "./count.ts";
import { ERRORS, explain, GantryError } from "./errors.ts";
import { scriptFailed } from "./step/script-end.ts";

test("one thing is in the singular, in errors as well", () => {
  assert.deepEqual([counted(0, "file"), counted(1, "file"), counted(2, "file")], ["0 files", "1 file", "2 files"]);
  assert.equal(counted(1, "vulnerability", "vulnerabilities"), "1 vulnerability");
  const mistakes = (count: number): string =>
    explain(new GantryError("pipeline-invalid", { file: "ci.yaml", count, problem: "x" })).message;
  assert.equal(mistakes(1), "The pipeline file ci.yaml has 1 mistake.");
  assert.equal(mistakes(2), "The pipeline file ci.yaml has 2 mistakes.");
});

test("a script that a signal ended has no exit code", () => {
  assert.equal(explain(scriptFailed(3, "x")).message, "The script ended with exit code 3.");
  assert.equal(explain(scriptFailed("SIGKILL", "x")).message, "The script was ended by the signal SIGKILL.");
});

test("no error puts a number before a plural without looking at it", () => {
  const texts = Object.values(ERRORS).flatMap(({ message, why, todo }) => [message, why, todo]);
  const bad = texts.filter((text) => /\{(?:count|size|ack|limit|number|total)\} [a-z]+s\b/.test(text));
  assert.deepEqual(bad, []);
});
