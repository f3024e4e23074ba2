// Closing, opening again, and calls after the end.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import type { Journal } from "../journal.ts";
import { committed, keys, numbered, part, type Tools } from "./tools.ts";

export function lifeCases(tools: Tools): void {
  test("everything is still there", async (t) => {
    const { journal, reopen } = await tools.openPlace(t);
    await committed(journal, [part("task/a", 0, numbered(1, 3), { sum: 6 }, { "by-app": ["x"] })]);
    await committed(journal, [part("task/b", 0, [], "b")]);
    const events = await journal.feed({ after: 0, limit: 10 });
    const again = await reopen();
    assert.deepEqual(await again.load("task/a"), { version: 3, snapshot: { sum: 6 } });
    assert.deepEqual(await again.load("task/b"), { version: 0, snapshot: "b" });
    assert.deepEqual(await again.feed({ after: 0, limit: 10 }), events);
    assert.deepEqual(await keys(again, "by-app"), ["x"]);
  });

  test("seq and versions go on where they were", async (t) => {
    const { journal, reopen } = await tools.openPlace(t);
    await committed(journal, [part("task/a", 0, numbered(1, 3), 0)]);
    const again = await reopen();
    assert.equal((await again.append([part("task/a", 0, [{ n: 4 }], 0)])).ok, false);
    assert.equal(await committed(again, [part("task/a", 3, [{ n: 4 }], 0)]), 4);
  });

  test("appends that were not answered when it closes are committed", async (t) => {
    const { journal, reopen } = await tools.openPlace(t);
    const appending = Promise.all(
      Array.from({ length: 20 }, (_, at) => journal.append([part(`task/${at}`, 0, [{ at }], at)])),
    );
    const again = await reopen();
    for (const result of await appending) assert.equal(result.ok, true);
    assert.equal((await again.feed({ after: 0, limit: 100 })).length, 20);
  });

  const calls: readonly (readonly [string, (journal: Journal) => Promise<unknown>])[] = [
    ["append", (journal) => journal.append([part("task/a", 0, [], 1)])],
    ["remove", (journal) => journal.remove([{ stream: "task/a", expected: 0 }])],
    ["load", (journal) => journal.load("task/a")],
    ["events", (journal) => journal.events("task/a", 0, 1)],
    ["find", (journal) => journal.find({ index: "by-app", limit: 1 })],
    ["feed", (journal) => journal.feed({ after: 0, limit: 1 })],
    ["now", (journal) => journal.now()],
    ["check", (journal) => journal.check()],
  ];
  for (const [name, call] of calls) {
    test(`${name} works before and rejects after close`, async (t) => {
      const journal = await tools.open(t);
      await call(journal);
      await journal.close();
      await assert.rejects(call(journal), (error) => error instanceof GantryError && error.code === "unavailable");
    });
  }

  test("closing twice is fine", async (t) => {
    const journal = await tools.open(t);
    await journal.close();
    await journal.close();
  });
}
