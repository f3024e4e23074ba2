// Edits of one file, for the tests of `yaml/edit`.

import assert from "node:assert/strict";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonValue } from "@gantry/core/json.ts";
import type { DocumentSelector } from "./document.ts";
import { parsePath, setPath } from "./set-path.ts";

export function set(text: string, path: string, value: JsonValue, document?: DocumentSelector): string {
  const parts = parsePath(path);
  assert.ok(parts, path);
  return setPath("f.yaml", text, parts, value, document).text;
}

/** The problem of a refused edit, which names the line. */
export function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof GantryError && error.code === "file-invalid", String(error));
    return String(error.details.problem);
  }
  throw new Error("it was not refused");
}

export type Row = readonly [text: string, path: string, value: JsonValue, edited: string];

/** Checks the result of each edit, and that repeating it changes nothing. */
export function table(rows: readonly Row[]): void {
  for (const [text, path, value, edited] of rows) {
    assert.equal(set(text, path, value), edited, JSON.stringify(text));
    assert.equal(set(edited, path, value), edited, "editing twice is editing once");
  }
}
