// All events in one order, and waiting for the next.

import assert from "node:assert/strict";
import { test } from "node:test";
import { committed, numbered, part, type Tools } from "./tools.ts";

export function feedCases(tools: Tools): void {
  for (const [after, limit, want] of [
    [0, 100, [1, 2, 3, 4, 5]],
    [0, 1, [1]],
    [3, 1, [4]],
    [4, 100, [5]],
    [5, 100, []],
    [1_000, 100, []],
  ] as const) {
    test(`after ${after}, at most ${limit}: ${want.join(" ") || "none"}`, async (t) => {
      const journal = await tools.open(t);
      for (const name of ["a", "b", "c", "d", "e"]) await committed(journal, [part(`task/${name}`, 0, [{ name }], 0)]);
      assert.deepEqual(
        (await journal.feed({ after, limit })).map((event) => event.seq),
        want,
      );
    });
  }
}

export function waitingCases(tools: Tools): void {
  test("a waiting reader is woken by the next commit", async (t) => {
    const journal = await tools.open(t);
    const reading = journal.feed({ after: 0, limit: 10, waitMs: 60_000 });
    await committed(journal, [part("task/a", 0, [{ n: 1 }, { n: 2 }], 0)]);
    assert.deepEqual(
      (await reading).map((event) => event.event.n),
      [1, 2],
    );
  });

  test("all waiting readers are woken", async (t) => {
    const journal = await tools.open(t);
    const readings = Array.from({ length: 20 }, () => journal.feed({ after: 0, limit: 10, waitMs: 60_000 }));
    await committed(journal, [part("task/a", 0, [{ n: 1 }], 0)]);
    for (const reading of readings) assert.equal((await reading).length, 1);
  });

  test("a reader far behind does not wait", async (t) => {
    const journal = await tools.open(t);
    await committed(journal, [part("task/a", 0, numbered(1, 3), 0)]);
    assert.equal((await journal.feed({ after: 1, limit: 10, waitMs: 60_000 })).length, 2);
  });

  test("after its time it answers nothing", async (t) => {
    const journal = await tools.open(t);
    assert.deepEqual(await journal.feed({ after: 0, limit: 10, waitMs: 5 }), []);
  });

  test("an abort ends the wait with nothing", async (t) => {
    const journal = await tools.open(t);
    const abort = new AbortController();
    const reading = journal.feed({ after: 0, limit: 10, waitMs: 60_000, signal: abort.signal });
    abort.abort();
    assert.deepEqual(await reading, []);
  });

  test("a signal that was aborted before answers at once", async (t) => {
    const journal = await tools.open(t);
    assert.deepEqual(await journal.feed({ after: 0, limit: 10, waitMs: 60_000, signal: AbortSignal.abort() }), []);
    await committed(journal, [part("task/a", 0, [{ n: 1 }], 0)]);
    assert.equal((await journal.feed({ after: 0, limit: 10, waitMs: 60_000, signal: AbortSignal.abort() })).length, 1);
  });

  test("a conflict does not wake readers for something that was not committed", async (t) => {
    const journal = await tools.open(t);
    const reading = journal.feed({ after: 0, limit: 10, waitMs: 60_000 });
    assert.equal((await journal.append([part("task/a", 3, [{ n: 1 }], 0)])).ok, false);
    await committed(journal, [part("task/b", 0, [{ n: 2 }], 0)]);
    // A reader may be woken early and find nothing; it must never see the event of the conflict.
    for (const event of await reading) assert.equal(event.stream, "task/b");
  });

  test("a commit without events ends no wait", async (t) => {
    const journal = await tools.open(t);
    const reading = journal.feed({ after: 0, limit: 10, waitMs: 60_000 });
    await committed(journal, [part("agent/a", 0, [], 0)]);
    await committed(journal, [part("task/a", 0, [{ n: 1 }], 0)]);
    assert.deepEqual(
      (await reading).map(({ stream }) => stream),
      ["task/a"],
    );
  });

  test("closing ends a wait", async (t) => {
    const journal = await tools.open(t);
    const reading = journal.feed({ after: 0, limit: 10, waitMs: 60_000 });
    await journal.close();
    assert.deepEqual(await reading, []);
  });

  test("a reader that follows while many write sees every event once, in order", async (t) => {
    const journal = await tools.open(t);
    const total = 300;
    const writing = Promise.all(
      Array.from({ length: total }, (_, at) => committed(journal, [part(`task/${at}`, 0, [{ at }], 0)])),
    );
    const seqs: number[] = [];
    const streams = new Set<string>();
    while (seqs.length < total) {
      for (const event of await journal.feed({ after: seqs.at(-1) ?? 0, limit: 7, waitMs: 60_000 })) {
        seqs.push(event.seq);
        streams.add(event.stream);
      }
    }
    await writing;
    assert.deepEqual(
      seqs,
      Array.from({ length: total }, (_, at) => at + 1),
    );
    assert.equal(streams.size, total);
  });
}
