// Finding streams by their index entries: order, prefixes, pages.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { HOSTILE_KEYS } from "./samples.ts";
import { committed, keys, part, type Tools } from "./tools.ts";

export function indexesCases(tools: Tools): void {
  test("entries are replaced as a whole", async (t) => {
    const journal = await tools.open(t);
    await committed(journal, [part("task/a", 0, [], 1, { "by-app": ["x", "y"], "by-time": ["1"] })]);
    await committed(journal, [part("task/a", 0, [], 2, { "by-app": ["y", "z"] })]);
    assert.deepEqual(await keys(journal, "by-app"), ["y", "z"]);
    assert.deepEqual(await keys(journal, "by-time"), []);
  });

  test("an append that names no index leaves the entries as they are, with the new snapshot", async (t) => {
    const journal = await tools.open(t);
    await committed(journal, [part("task/a", 0, [], "old", { "by-app": ["x"] })]);
    await committed(journal, [part("task/a", 0, [{ n: 1 }], "new")]);
    assert.deepEqual(await journal.find({ index: "by-app", limit: 10 }), {
      items: [{ key: "x", stream: "task/a", version: 1, snapshot: "new" }],
    });
  });

  test("an empty index removes the stream from all of them", async (t) => {
    const journal = await tools.open(t);
    await committed(journal, [part("task/a", 0, [], 1, { "by-app": ["x"], "by-time": ["1"] })]);
    await committed(journal, [part("task/a", 0, [], 1, {})]);
    assert.deepEqual([...(await keys(journal, "by-app")), ...(await keys(journal, "by-time"))], []);
  });

  test("the same key twice is one entry", async (t) => {
    const journal = await tools.open(t);
    await committed(journal, [part("task/a", 0, [], 1, { "by-app": ["x", "x"] })]);
    assert.deepEqual(await keys(journal, "by-app"), ["x"]);
  });

  test("streams with the same key come in the order of their names", async (t) => {
    const journal = await tools.open(t);
    for (const name of ["c", "a", "b"])
      await committed(journal, [part(`task/${name}`, 0, [], name, { "by-app": ["x"] })]);
    const streams = (page: { items: readonly { stream: string }[] }): string[] => page.items.map((item) => item.stream);
    const page = (order: "ascending" | "descending") => journal.find({ index: "by-app", limit: 9, order });
    assert.deepEqual(streams(await page("ascending")), ["task/a", "task/b", "task/c"]);
    assert.deepEqual(streams(await page("descending")), ["task/c", "task/b", "task/a"]);
  });

  test("an index that was not declared is a bug", async (t) => {
    const journal = await tools.open(t);
    await assert.rejects(journal.find({ index: "other", limit: 1 }), TypeError);
  });

  for (const cursor of ["", "%%%", "bnVsbA", "W10", "WzEsMl0", "x".repeat(5_000)]) {
    test(`the cursor ${JSON.stringify(cursor.slice(0, 10))} from outside is refused`, async (t) => {
      const journal = await tools.open(t);
      const rejected = journal.find({ index: "by-app", limit: 1, cursor });
      await assert.rejects(rejected, (error) => error instanceof GantryError && error.code === "bad-request");
    });
  }
}

export function pagingCases(tools: Tools): void {
  for (const order of ["ascending", "descending"] as const) {
    test(`hostile keys come in byte order, ${order}`, async (t) => {
      const journal = await tools.open(t);
      await committed(
        journal,
        HOSTILE_KEYS.map((key, at) => part(`task/${at}`, 0, [], at, { "by-app": [key] })),
      );
      const want = HOSTILE_KEYS.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      assert.deepEqual(await keys(journal, "by-app", { order }), order === "ascending" ? want : want.reverse());
    });

    for (const limit of [1, 2, 3, 7, 100]) {
      test(`pages of ${limit}, ${order}, miss nothing and repeat nothing`, async (t) => {
        const journal = await tools.open(t);
        const names = Array.from({ length: 7 }, (_, at) => `task/${at}`);
        await committed(
          journal,
          names.map((name, at) => part(name, 0, [], at, { "by-app": [`k${at % 3}`, "all"] })),
        );
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await journal.find({ index: "by-app", limit, order, ...(cursor ? { cursor } : {}) });
          assert.ok(page.items.length <= limit);
          seen.push(...page.items.map((item) => `${item.key} ${item.stream}`));
          cursor = page.cursor;
        } while (cursor !== undefined);
        const want = names.flatMap((name, at) => [`all ${name}`, `k${at % 3} ${name}`]).sort();
        assert.deepEqual(seen, order === "ascending" ? want : want.reverse());
      });

      test(`a prefix, pages of ${limit}, ${order}`, async (t) => {
        const journal = await tools.open(t);
        const all = ["a", "a/", "a/1", "a/2", "a0", "b/1", "a%", "a_"];
        await committed(
          journal,
          all.map((key, at) => part(`task/${at}`, 0, [], at, { "by-app": [key] })),
        );
        const want = ["a/", "a/1", "a/2"];
        const found = await keys(journal, "by-app", { order, prefix: "a/", limit });
        assert.deepEqual(found, order === "ascending" ? want : want.reverse());
      });
    }
  }

  for (const prefix of HOSTILE_KEYS) {
    test(`the prefix ${JSON.stringify(prefix.slice(0, 12))} means itself`, async (t) => {
      const journal = await tools.open(t);
      const all = HOSTILE_KEYS.flatMap((key) => [key, `${key}+`]);
      await committed(
        journal,
        all.map((key, at) => part(`task/${at}`, 0, [], at, { "by-app": [key] })),
      );
      const want = [...new Set(all)].filter((key) => key.startsWith(prefix)).sort();
      assert.deepEqual([...new Set(await keys(journal, "by-app", { prefix }))].sort(), want);
    });
  }

  for (const [after, order, want] of [
    ["b", "ascending", ["c", "d"]],
    ["b", "descending", ["a"]],
    ["bb", "ascending", ["c", "d"]],
    ["bb", "descending", ["b", "b", "a"]],
    ["", "ascending", ["a", "b", "b", "c", "d"]],
    ["z", "ascending", []],
  ] as const) {
    test(`after ${JSON.stringify(after)}, ${order}: ${want.join(" ") || "none"}`, async (t) => {
      const journal = await tools.open(t);
      const all = ["a", "b", "b", "c", "d"];
      await committed(
        journal,
        all.map((key, at) => part(`task/${at}`, 0, [], at, { "by-app": [key] })),
      );
      const page = await journal.find({ index: "by-app", after, order, limit: 10 });
      assert.deepEqual(
        page.items.map((item) => item.key),
        want,
      );
    });
  }

  test("a cursor continues at its place although its entry is gone", async (t) => {
    const journal = await tools.open(t);
    for (const key of ["a", "b", "c"]) await committed(journal, [part(`task/${key}`, 0, [], key, { "by-app": [key] })]);
    const first = await journal.find({ index: "by-app", limit: 2 });
    await committed(journal, [part("task/b", 0, [], "b", {})]);
    const second = await journal.find({ index: "by-app", limit: 2, cursor: first.cursor ?? "none" });
    assert.deepEqual(
      second.items.map((item) => item.key),
      ["c"],
    );
    assert.equal(second.cursor, undefined);
  });
}
