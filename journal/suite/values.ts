// Values and names are read back unchanged, and nothing is shared.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "@gantry/core/json.ts";
import { HOSTILE_STREAMS, HOSTILE_VALUES } from "./samples.ts";
import { committed, keys, part, type Tools } from "./tools.ts";

export function valuesCases(tools: Tools): void {
  for (const [name, value] of HOSTILE_VALUES) {
    test(`${name} is read back unchanged`, async (t) => {
      const journal = await tools.open(t);
      await committed(journal, [part("task/a", 0, [{ value }], value)]);
      assert.deepEqual((await journal.load("task/a"))?.snapshot, value);
      assert.deepEqual((await journal.events("task/a", 0, 1))[0]?.event, { value });
    });
  }

  test("a key named __proto__ is a key like any other", async (t) => {
    const journal = await tools.open(t);
    const snapshot = JSON.parse('{"__proto__":{"admin":true}}') as JsonValue;
    await committed(journal, [part("task/a", 0, [], snapshot)]);
    const loaded = (await journal.load("task/a"))?.snapshot;
    assert.equal(JSON.stringify(loaded), '{"__proto__":{"admin":true}}');
    assert.equal(({} as { admin?: boolean }).admin, undefined);
  });

  test("changing an argument later changes nothing", async (t) => {
    const journal = await tools.open(t);
    const snapshot = { list: [1] };
    const event = { list: [1] };
    const appKeys = ["one"];
    const appending = journal.append([part("task/a", 0, [event], snapshot, { "by-app": appKeys })]);
    snapshot.list.push(2);
    event.list.push(2);
    appKeys[0] = "two";
    await appending;
    assert.deepEqual((await journal.load("task/a"))?.snapshot, { list: [1] });
    assert.deepEqual((await journal.events("task/a", 0, 1))[0]?.event, { list: [1] });
    assert.deepEqual(await keys(journal, "by-app"), ["one"]);
  });

  test("changing an answer changes nothing", async (t) => {
    const journal = await tools.open(t);
    await committed(journal, [part("task/a", 0, [{ list: [1] }], { list: [1] }, { "by-app": ["x"] })]);
    const loaded = (await journal.load("task/a"))?.snapshot as { list: number[] };
    const found = (await journal.find({ index: "by-app", limit: 1 })).items[0]?.snapshot as { list: number[] };
    const event = (await journal.feed({ after: 0, limit: 1 }))[0]?.event as unknown as { list: number[] };
    for (const value of [loaded, found, event]) value.list.push(2);
    assert.deepEqual((await journal.load("task/a"))?.snapshot, { list: [1] });
    assert.deepEqual((await journal.feed({ after: 0, limit: 1 }))[0]?.event, { list: [1] });
  });

  for (const stream of HOSTILE_STREAMS) {
    test(`the stream ${stream.slice(0, 40)} is separate from all others`, async (t) => {
      const journal = await tools.open(t);
      await committed(
        journal,
        HOSTILE_STREAMS.map((one) => part(one, 0, [{ of: one }], one)),
      );
      assert.deepEqual(await journal.load(stream), { version: 1, snapshot: stream });
      assert.deepEqual(
        (await journal.events(stream, 0, 10)).map((event) => event.event.of),
        [stream],
      );
    });
  }
}
