// Removing streams: nothing of them is left, nothing else changes, and no number is given again.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Journal, RemoveResult, StreamRemoval } from "../journal.ts";
import { committed, keys, numbered, part, type Tools } from "./tools.ts";

export function removeCases(tools: Tools): void {
  test("a removed stream is gone completely, and the others stay complete", async (t) => {
    const journal = await tools.open(t);
    await three(journal);
    assert.deepEqual(await journal.remove([{ stream: "task/b", expected: 2 }]), { ok: true, removed: 1 });
    assert.equal(await journal.load("task/b"), undefined);
    assert.deepEqual(await journal.events("task/b", 0, 10), []);
    assert.deepEqual(await keys(journal, "by-app"), ["a", "c"]);
    assert.deepEqual(await keys(journal, "by-time"), ["1", "3"]);
    assert.deepEqual(await seqs(journal, 0), [1, 2, 5, 6]);
    assert.deepEqual(await journal.load("task/c"), { version: 2, snapshot: "c" });
    assert.equal((await journal.events("task/c", 0, 10)).length, 2);
  });

  test("a page goes on after a cursor and a key whose stream was removed", async (t) => {
    const journal = await tools.open(t);
    await three(journal);
    for (const order of ["ascending", "descending"] as const) {
      const rest = order === "ascending" ? ["b", "c"] : ["b", "a"];
      const first = order === "ascending" ? "a" : "c";
      const { cursor } = await journal.find({ index: "by-app", limit: 1, order });
      assert.ok(cursor);
      await removed(journal, { stream: `task/${first}`, expected: 2 });
      const next = await journal.find({ index: "by-app", limit: 5, order, cursor });
      const after = await journal.find({ index: "by-app", limit: 5, order, after: first });
      assert.deepEqual([next.items.map(({ key }) => key), next.cursor], [rest, undefined]);
      assert.deepEqual(after.items, next.items);
      await committed(journal, [part(`task/${first}`, 0, numbered(1, 2), first, { "by-app": [first] })]);
    }
  });

  test("a reader of the feed goes on behind what was removed", async (t) => {
    const journal = await tools.open(t);
    await three(journal);
    await removed(journal, { stream: "task/b", expected: 2 });
    assert.deepEqual(await seqs(journal, 3), [5, 6]);
    assert.deepEqual(await seqs(journal, 4), [5, 6]);
    assert.deepEqual(
      (await journal.feed({ after: 1, limit: 2 })).map(({ seq }) => seq),
      [2, 5],
    );
    const reading = journal.feed({ after: 6, limit: 10, waitMs: 60_000 });
    await committed(journal, [part("task/d", 0, [{ n: 1 }], "d")]);
    assert.deepEqual(
      (await reading).map(({ seq }) => seq),
      [7],
    );
  });

  test("another version is a conflict and changes nothing of the batch", async (t) => {
    const journal = await tools.open(t);
    await three(journal);
    const batch = [
      { stream: "task/a", expected: 2 },
      { stream: "task/b", expected: 1 },
      { stream: "task/c", expected: 2 },
    ];
    assert.deepEqual(await journal.remove(batch), { ok: false, conflict: "task/b", version: 2 });
    assert.deepEqual(await keys(journal, "by-app"), ["a", "b", "c"]);
    assert.equal((await journal.events("task/a", 0, 10)).length, 2);
    assert.equal((await seqs(journal, 0)).length, 6);
  });

  test("missing streams are skipped, so a removal may be repeated", async (t) => {
    const journal = await tools.open(t);
    await three(journal);
    const batch = [
      { stream: "task/a", expected: 2 },
      { stream: "task/x", expected: 5 },
    ];
    assert.deepEqual(await journal.remove(batch), { ok: true, removed: 1 });
    assert.deepEqual(await journal.remove(batch), { ok: true, removed: 0 });
    assert.deepEqual(await journal.remove([]), { ok: true, removed: 0 });
  });

  test("no seq is given again, also after a restart, although the newest events are gone", async (t) => {
    const { journal, reopen } = await tools.openPlace(t);
    await three(journal);
    const before = await journal.now();
    await removed(journal, { stream: "task/c", expected: 2 }, { stream: "task/b", expected: 2 });
    assert.equal(await committed(journal, []), 6);
    assert.ok((await journal.now()) > before);
    const again = await reopen();
    assert.equal(await committed(again, [part("task/d", 0, [{ n: 1 }], "d")]), 7);
    assert.deepEqual(await seqs(again, 0), [1, 2, 7]);
    assert.equal(await again.load("task/c"), undefined);
  });

  test("the name is free again; an append decided on the old version is a conflict", async (t) => {
    const journal = await tools.open(t);
    await three(journal);
    await removed(journal, { stream: "task/a", expected: 2 });
    const late = await journal.append([part("task/a", 2, [{ n: 3 }], "late")]);
    assert.deepEqual(late, { ok: false, conflict: "task/a", version: 0 });
    await committed(journal, [part("task/a", 0, [{ n: 1 }], "new", { "by-app": ["new"] })]);
    assert.deepEqual(await journal.load("task/a"), { version: 1, snapshot: "new" });
    assert.deepEqual(
      (await journal.events("task/a", 0, 10)).map(({ seq }) => seq),
      [7],
    );
    assert.deepEqual(await keys(journal, "by-app"), ["b", "c", "new"]);
  });

  test("a stream that is a snapshot alone is removed at version 0", async (t) => {
    const journal = await tools.open(t);
    await committed(journal, [part("cursor/x", 0, [], 5, { "by-app": ["x"] })]);
    await removed(journal, { stream: "cursor/x", expected: 0 });
    assert.equal(await journal.load("cursor/x"), undefined);
    assert.deepEqual(await keys(journal, "by-app"), []);
  });

  test("either an append or a removal of the same version wins", async (t) => {
    const journal = await tools.open(t);
    const streams = Array.from({ length: 30 }, (_, at) => `task/${at}`);
    await committed(
      journal,
      streams.map((stream) => part(stream, 0, [{ n: 1 }], 1)),
    );
    await Promise.all(
      streams.map(async (stream, at) => {
        const append = () => journal.append([part(stream, 1, [{ n: 2 }], 2)]);
        const remove = () => journal.remove([{ stream, expected: 1 }]);
        const results = await Promise.all(at % 2 === 0 ? [append(), remove()] : [remove(), append()]);
        assert.equal(results.filter(({ ok }) => ok).length, 1);
        const appended = results[at % 2]?.ok;
        assert.deepEqual(await journal.load(stream), appended ? { version: 2, snapshot: 2 } : undefined);
      }),
    );
  });

  test("several processes may remove the same stream at once", async (t) => {
    const journal = await tools.open(t);
    await three(journal);
    const batch = [
      { stream: "task/a", expected: 2 },
      { stream: "task/b", expected: 2 },
    ];
    const results = await Promise.all(Array.from({ length: 5 }, () => journal.remove(batch)));
    const counts = results.map((result) => (result.ok ? result.removed : Number.NaN));
    assert.equal(
      counts.reduce((sum, one) => sum + one, 0),
      2,
    );
    assert.deepEqual(await keys(journal, "by-app"), ["c"]);
  });

  const broken: readonly (readonly [string, readonly StreamRemoval[]])[] = [
    ["an empty stream name", [{ stream: "", expected: 0 }]],
    ["a negative version", [{ stream: "task/b", expected: -1 }]],
    [
      "the same stream twice",
      [
        { stream: "task/b", expected: 2 },
        { stream: "task/b", expected: 2 },
      ],
    ],
  ];
  for (const [name, batch] of broken) {
    test(`${name} is a bug of the caller: it rejects, and nothing is removed`, async (t) => {
      const journal = await tools.open(t);
      await three(journal);
      await assert.rejects(journal.remove([{ stream: "task/a", expected: 2 }, ...batch]), TypeError);
      assert.deepEqual(await keys(journal, "by-app"), ["a", "b", "c"]);
    });
  }
}

/** Three streams of two events each. */
async function three(journal: Journal): Promise<void> {
  for (const [at, name] of ["a", "b", "c"].entries())
    await committed(journal, [
      part(`task/${name}`, 0, numbered(1, 2), name, { "by-app": [name], "by-time": [`${at + 1}`] }),
    ]);
}

async function removed(journal: Journal, ...batch: readonly StreamRemoval[]): Promise<void> {
  const result: RemoveResult = await journal.remove(batch);
  assert.deepEqual(result, { ok: true, removed: batch.length });
}

async function seqs(journal: Journal, after: number): Promise<readonly number[]> {
  return (await journal.feed({ after, limit: 100 })).map(({ seq }) => seq);
}
