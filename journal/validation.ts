// Checks the arguments of a journal and turns values into text, so that nothing is shared with the caller. A broken rule is
// a bug of the caller and throws a TypeError.

import { GantryError } from "@gantry/core/errors.ts";
import { isJsonObject } from "@gantry/core/json.ts";
import type { IndexQuery, StreamAppend, StreamRemoval } from "./journal.ts";

/** A StreamAppend whose values are JSON text. */
export type PreparedAppend = {
  readonly stream: string;
  readonly expected: number;
  readonly events: readonly string[];
  readonly snapshot: string;
  /** undefined: the entries stay as they are. */
  readonly entries: readonly IndexEntry[] | undefined;
};
export type IndexEntry = { readonly index: string; readonly key: string };

/** Where a page begins: after this entry. */
export type Position = { readonly key: string; readonly stream: string };

const STREAM = /^[A-Za-z0-9\-_./:@[\]=]{1,300}$/;
const MAX_KEY = 1_000;

export function prepareBatch(batch: readonly StreamAppend[], indexes: ReadonlySet<string>): readonly PreparedAppend[] {
  const seen = new Set<string>();
  return batch.map((part) => {
    checkStream(part.stream);
    if (seen.has(part.stream)) throw new TypeError(`the batch has the stream ${part.stream} twice`);
    seen.add(part.stream);
    checkCount("expected", part.expected);
    return {
      stream: part.stream,
      expected: part.expected,
      events: part.events.map((event) => {
        if (!isJsonObject(event)) throw new TypeError("an event must be an object");
        return toText(event);
      }),
      snapshot: toText(part.snapshot),
      entries: part.index === undefined ? undefined : listEntries(part.index, indexes),
    };
  });
}

/** Checks a removal and copies it. */
export function prepareRemoval(batch: readonly StreamRemoval[]): readonly StreamRemoval[] {
  const seen = new Set<string>();
  return batch.map(({ stream, expected }) => {
    checkStream(stream);
    if (seen.has(stream)) throw new TypeError(`the batch has the stream ${stream} twice`);
    seen.add(stream);
    checkCount("expected", expected);
    return { stream, expected };
  });
}

export function checkStream(stream: string): void {
  if (!STREAM.test(stream)) throw new TypeError(`not a name of a stream: ${JSON.stringify(stream)}`);
}

export function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`${name} must be a whole number, not ${value}`);
}

export function checkIndex(index: string, indexes: ReadonlySet<string>): void {
  if (!indexes.has(index)) throw new TypeError(`the index ${JSON.stringify(index)} was not declared`);
}

/** Where a query begins. Cursors come from outside, so an invalid one is a `bad-request`. */
export function readPosition(query: IndexQuery): Position | undefined {
  // Before or after all streams with this key.
  if (query.after !== undefined) return { key: query.after, stream: query.order === "descending" ? "" : "\u{10ffff}" };
  if (query.cursor === undefined) return undefined;
  const parts = parseJson(Buffer.from(query.cursor, "base64url").toString("utf8"));
  if (!Array.isArray(parts) || typeof parts[0] !== "string" || typeof parts[1] !== "string") {
    throw new GantryError("bad-request", { problem: "the cursor was not given out by this server" });
  }
  return { key: parts[0], stream: parts[1] };
}

export function writeCursor(last: Position): string {
  return Buffer.from(JSON.stringify([last.key, last.stream])).toString("base64url");
}

/** Compares UTF-8 bytes, which is the order of code points. JavaScript compares strings differently. */
export function compareBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

export function closedError(): GantryError {
  return new GantryError("unavailable", { what: "The journal", problem: "It is closed." });
}

function listEntries(index: NonNullable<StreamAppend["index"]>, indexes: ReadonlySet<string>): readonly IndexEntry[] {
  return Object.entries(index).flatMap(([name, keys]) => {
    checkIndex(name, indexes);
    return [...new Set(keys)].map((key) => {
      checkKey(key);
      return { index: name, key };
    });
  });
}

function checkKey(key: string): void {
  if (key.length > MAX_KEY || key.includes("\0") || !key.isWellFormed()) {
    throw new TypeError(`not a key of an index: ${JSON.stringify(key.slice(0, 100))}`);
  }
}

function toText(value: unknown): string {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError("the value is not JSON");
  return text;
}

/** undefined for text that is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
