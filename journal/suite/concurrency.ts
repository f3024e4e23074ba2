// Many appends at once.

import assert from "node:assert/strict";
import { test } from "node:test";
import { committed, keys, numbered, part, type Tools } from "./tools.ts";

export function concurrencyCases(tools: Tools): void {
  test("exactly one of many appends on one version wins", async (t) => {
    const journal = await tools.open(t);
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, at) => journal.append([part("task/a", 0, [{ at }], at)])),
    );
    assert.equal(results.filter((result) => result.ok).length, 1);
    for (const result of results) {
      if (!result.ok) assert.deepEqual(result, { ok: false, conflict: "task/a", version: 1 });
    }
    assert.equal((await journal.events("task/a", 0, 100)).length, 1);
  });

  test("a conflict does not affect appends at the same moment", async (t) => {
    const journal = await tools.open(t);
    const results = await Promise.all(
      Array.from({ length: 60 }, (_, at) => journal.append([part(`task/${at}`, at % 3 === 0 ? 5 : 0, [{ at }], at)])),
    );
    for (const [at, result] of results.entries()) assert.equal(result.ok, at % 3 !== 0);
    assert.equal((await journal.feed({ after: 0, limit: 1_000 })).length, 40);
  });

  test("writers that read, decide and try again lose nothing", async (t) => {
    const journal = await tools.open(t);
    const addOne = async (): Promise<void> => {
      const now = await journal.load("counter/x");
      const n = Number(now?.snapshot ?? 0) + 1;
      const result = await journal.append([part("counter/x", now?.version ?? 0, [{ n }], n)]);
      if (!result.ok) await addOne();
    };
    await Promise.all(Array.from({ length: 25 }, addOne));
    assert.deepEqual(await journal.load("counter/x"), { version: 25, snapshot: 25 });
    const events = await journal.events("counter/x", 0, 100);
    assert.deepEqual(
      events.map((event) => event.event.n),
      Array.from({ length: 25 }, (_, at) => at + 1),
    );
  });

  test("the seq of an answer is the seq of its last event", async (t) => {
    const journal = await tools.open(t);
    await Promise.all(
      Array.from({ length: 40 }, async (_, at) => {
        const seq = await committed(journal, [part(`task/${at}`, 0, numbered(1, (at % 3) + 1), 0)]);
        assert.equal((await journal.events(`task/${at}`, 0, 10)).at(-1)?.seq, seq);
      }),
    );
  });

  test("what was answered can be read at once", async (t) => {
    const journal = await tools.open(t);
    for (let version = 0; version < 20; version += 1) {
      await committed(journal, [part("task/a", version, [{ version }], version, { "by-time": [`t${version}`] })]);
      assert.deepEqual(await journal.load("task/a"), { version: version + 1, snapshot: version });
      assert.deepEqual(await keys(journal, "by-time"), [`t${version}`]);
    }
  });

  test("a batch of 200 streams is all there", async (t) => {
    const journal = await tools.open(t);
    await committed(
      journal,
      Array.from({ length: 200 }, (_, at) => part(`task/${at}`, 0, [{ at }], at)),
    );
    assert.equal((await journal.feed({ after: 0, limit: 1_000 })).length, 200);
  });
}
