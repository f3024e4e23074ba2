// The store's time never goes back.

import assert from "node:assert/strict";
import { test } from "node:test";
import { committed, part, type Tools } from "./tools.ts";

export function timeCases(tools: Tools): void {
  test("now is microseconds since 1970", async (t) => {
    const now = await (await tools.open(t)).now();
    assert.ok(Number.isSafeInteger(now));
    assert.ok(Math.abs(now / 1_000 - Date.now()) < 60_000);
  });

  test("every answer of now is larger than the one before", async (t) => {
    const journal = await tools.open(t);
    let last = 0;
    for (let at = 0; at < 500; at += 1) {
      const now = await journal.now();
      assert.ok(now > last);
      last = now;
    }
  });

  test("now never goes back over a restart", async (t) => {
    const { journal, reopen } = await tools.openPlace(t);
    let last = 0;
    for (let at = 0; at < 50; at += 1) last = await journal.now();
    assert.ok((await (await reopen()).now()) > last);
  });

  test("the time of events never goes back, and fits to now", async (t) => {
    const journal = await tools.open(t);
    const before = await journal.now();
    for (let at = 0; at < 10; at += 1) await committed(journal, [part(`task/${at}`, 0, [{ at }], at)]);
    const after = await journal.now();
    const times = (await journal.feed({ after: 0, limit: 100 })).map((event) => event.atMicros);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    assert.ok(before <= Number(times[0]) && Number(times.at(-1)) <= after);
  });

  test("a recent time is not before what was committed or answered before, and not after what is answered later", async (t) => {
    const journal = await tools.open(t);
    let last = await journal.now();
    for (let at = 0; at < 30; at += 1) {
      const seq = await committed(journal, [part(`task/${at}`, 0, [{ at }], at)]);
      const [event] = await journal.feed({ after: seq - 1, limit: 1 });
      const recent = await journal.now({ recent: true });
      assert.ok(recent >= Number(event?.atMicros) && recent >= last);
      last = await journal.now();
      assert.ok(recent < last);
    }
  });
}
