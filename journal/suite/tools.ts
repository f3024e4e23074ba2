// Shared by the cases of the suite: a journal for one test, and short functions to append and find.

import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import type { AppendResult, Journal, StreamAppend } from "../journal.ts";

/** The storage of a journal: opening it again after closing is a restart. */
export type Place = {
  readonly open: (indexes: readonly string[]) => Promise<Journal>;
  /** Removes everything; called after the last journal was closed. */
  readonly dispose: () => Promise<void>;
};

export type Tools = {
  /** A journal for one test, closed at its end, with the indexes `by-app` and `by-time`. */
  readonly open: (t: TestContext) => Promise<Journal>;
  /** The same, with a way to close it and open it again. */
  readonly openPlace: (t: TestContext) => Promise<{ journal: Journal; reopen: () => Promise<Journal> }>;
};

const INDEXES = ["by-app", "by-time"];

export function makeTools(makePlace: () => Promise<Place>): Tools {
  const openPlace: Tools["openPlace"] = async (t) => {
    const place = await makePlace();
    let journal = await place.open(INDEXES);
    t.after(async () => {
      await journal.close();
      await place.dispose();
    });
    return {
      journal,
      reopen: async () => {
        await journal.close();
        journal = await place.open(INDEXES);
        return journal;
      },
    };
  };
  return { openPlace, open: async (t) => (await openPlace(t)).journal };
}

export function part(
  stream: string,
  expected: number,
  events: readonly JsonObject[],
  snapshot: JsonValue,
  index?: StreamAppend["index"],
): StreamAppend {
  return { stream, expected, events, snapshot, ...(index === undefined ? {} : { index }) };
}

export function numbered(from: number, to: number): readonly JsonObject[] {
  return Array.from({ length: to - from + 1 }, (_, at) => ({ n: from + at }));
}

/** Appends, and fails the test on a conflict. Answers the seq. */
export async function committed(journal: Journal, batch: readonly StreamAppend[]): Promise<number> {
  const result: AppendResult = await journal.append(batch);
  assert.ok(result.ok, `unexpected conflict: ${JSON.stringify(result)}`);
  return result.seq;
}

/** All keys of an index, page after page. */
export async function keys(
  journal: Journal,
  index: string,
  options: { prefix?: string; order?: "ascending" | "descending"; limit?: number } = {},
): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await journal.find({ index, limit: 5, ...options, ...(cursor === undefined ? {} : { cursor }) });
    found.push(...page.items.map((item) => item.key));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}
