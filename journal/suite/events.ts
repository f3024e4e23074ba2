// Reading one stream.

import assert from "node:assert/strict";
import { test } from "node:test";
import { committed, numbered, part, type Tools } from "./tools.ts";

export function eventsCases(tools: Tools): void {
  for (const [after, limit, want] of [
    [0, 10, [1, 2, 3, 4, 5]],
    [0, 2, [1, 2]],
    [2, 2, [3, 4]],
    [4, 10, [5]],
    [5, 10, []],
    [99, 10, []],
    [0, 0, []],
  ] as const) {
    test(`after ${after}, at most ${limit}: ${want.join(" ") || "none"}`, async (t) => {
      const journal = await tools.open(t);
      await committed(journal, [part("task/other", 0, numbered(1, 3), 0)]);
      await committed(journal, [part("task/a", 0, numbered(1, 2), 0)]);
      await committed(journal, [part("task/other", 3, numbered(4, 6), 0)]);
      await committed(journal, [part("task/a", 2, numbered(3, 5), 0)]);
      const events = await journal.events("task/a", after, limit);
      assert.deepEqual(
        events.map((event) => event.version),
        want,
      );
      assert.deepEqual(
        events.map((event) => event.event.n),
        want,
      );
    });
  }
}
