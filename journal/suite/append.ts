// Appends, conflicts (which change nothing), and calls that are bugs of the caller.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import type { StreamAppend } from "../journal.ts";
import { committed, keys, part, type Tools } from "./tools.ts";

export function appendCases(tools: Tools): void {
  test("a stream that was never appended to is undefined", async (t) => {
    const journal = await tools.open(t);
    assert.equal(await journal.load("task/a"), undefined);
    assert.deepEqual(await journal.events("task/a", 0, 10), []);
  });

  test("the version counts the events, the snapshot is the last one", async (t) => {
    const journal = await tools.open(t);
    await committed(journal, [part("task/a", 0, [{ n: 1 }, { n: 2 }], { sum: 3 })]);
    assert.deepEqual(await journal.load("task/a"), { version: 2, snapshot: { sum: 3 } });
    await committed(journal, [part("task/a", 2, [{ n: 3 }], { sum: 6 })]);
    assert.deepEqual(await journal.load("task/a"), { version: 3, snapshot: { sum: 6 } });
  });

  test("an append without events changes the snapshot and not the version", async (t) => {
    const journal = await tools.open(t);
    await committed(journal, [part("task/a", 0, [{ n: 1 }], 1)]);
    const seq = await committed(journal, [part("task/a", 1, [], 2)]);
    assert.equal(seq, 1);
    assert.deepEqual(await journal.load("task/a"), { version: 1, snapshot: 2 });
    assert.equal((await journal.feed({ after: 0, limit: 10 })).length, 1);
  });

  test("a stream may consist of a snapshot alone", async (t) => {
    const journal = await tools.open(t);
    await committed(journal, [part("cursor/x", 0, [], { seq: 5 })]);
    await committed(journal, [part("cursor/x", 0, [], { seq: 6 })]);
    assert.deepEqual(await journal.load("cursor/x"), { version: 0, snapshot: { seq: 6 } });
  });

  test("an empty batch commits nothing and answers the last seq", async (t) => {
    const journal = await tools.open(t);
    assert.equal(await committed(journal, []), 0);
    await committed(journal, [part("task/a", 0, [{ n: 1 }], 1)]);
    assert.equal(await committed(journal, []), 1);
  });

  test("a batch over several streams is one commit", async (t) => {
    const journal = await tools.open(t);
    const seq = await committed(journal, [part("task/a", 0, [{ n: 1 }], "a"), part("task/b", 0, [{ n: 2 }], "b")]);
    assert.equal(seq, 2);
    const events = await journal.feed({ after: 0, limit: 10 });
    assert.deepEqual(
      events.map((event) => [event.seq, event.stream, event.version]),
      [
        [1, "task/a", 1],
        [2, "task/b", 1],
      ],
    );
    assert.equal(events[0]?.atMicros, events[1]?.atMicros);
  });
}

export function conflictCases(tools: Tools): void {
  for (const [name, expected] of [
    ["too small", 1],
    ["too large", 3],
    ["zero for a stream that exists", 0],
  ] as const) {
    test(`a conflict, expected ${name}, is an answer and changes nothing`, async (t) => {
      const journal = await tools.open(t);
      await committed(journal, [part("task/a", 0, [{ n: 1 }, { n: 2 }], "old", { "by-app": ["old"] })]);
      const result = await journal.append([part("task/a", expected, [{ n: 9 }], "new", { "by-app": ["new"] })]);
      assert.deepEqual(result, { ok: false, conflict: "task/a", version: 2 });
      assert.deepEqual(await journal.load("task/a"), { version: 2, snapshot: "old" });
      assert.equal((await journal.events("task/a", 0, 10)).length, 2);
      assert.deepEqual(await keys(journal, "by-app"), ["old"]);
    });
  }

  test("a conflict at a stream that does not exist says version 0", async (t) => {
    const journal = await tools.open(t);
    assert.deepEqual(await journal.append([part("task/a", 4, [{ n: 1 }], 1)]), {
      ok: false,
      conflict: "task/a",
      version: 0,
    });
    assert.equal(await journal.load("task/a"), undefined);
  });

  for (const bad of [0, 1, 2]) {
    test(`a batch whose part ${bad + 1} of 3 conflicts changes none of its streams`, async (t) => {
      const journal = await tools.open(t);
      const streams = ["task/a", "task/b", "task/c"];
      const batch = streams.map((stream, at) => part(stream, at === bad ? 7 : 0, [{ n: at }], at, { "by-app": ["x"] }));
      assert.equal((await journal.append(batch)).ok, false);
      for (const stream of streams) assert.equal(await journal.load(stream), undefined);
      assert.deepEqual(await journal.feed({ after: 0, limit: 10 }), []);
      assert.deepEqual(await keys(journal, "by-app"), []);
      assert.equal(await committed(journal, [part("task/d", 0, [{ n: 1 }], 1)]), 1, "no seq was used up");
    });
  }
}

export function brokenCases(tools: Tools): void {
  const broken: readonly (readonly [string, readonly StreamAppend[]])[] = [
    ["an empty stream name", [part("", 0, [], 1)]],
    ["a space in a stream name", [part("task/a b", 0, [], 1)]],
    ["a stream name with 301 characters", [part("x".repeat(301), 0, [], 1)]],
    ["a stream name with a letter outside ASCII", [part("task/주문", 0, [], 1)]],
    ["a stream name with a line end", [part("task/a\n", 0, [], 1)]],
    ["a negative version", [part("task/a", -1, [], 1)]],
    ["half a version", [part("task/a", 0.5, [], 1)]],
    ["a version that is not a number", [part("task/a", Number.NaN, [], 1)]],
    ["an event that is a list", [part("task/a", 0, [[1] as unknown as JsonObject], 1)]],
    ["an event that is a text", [part("task/a", 0, ["x" as unknown as JsonObject], 1)]],
    ["an event that is null", [part("task/a", 0, [null as unknown as JsonObject], 1)]],
    ["a snapshot that is undefined", [part("task/a", 0, [], undefined as unknown as JsonValue)]],
    ["a snapshot that is a function", [part("task/a", 0, [], (() => 1) as unknown as JsonValue)]],
    ["a snapshot with a big integer", [part("task/a", 0, [], { n: 1n } as unknown as JsonValue)]],
    ["an index that was not declared", [part("task/a", 0, [], 1, { other: ["x"] })]],
    ["a key that is too long", [part("task/a", 0, [], 1, { "by-app": ["x".repeat(1_001)] })]],
    ["a key with a NUL", [part("task/a", 0, [], 1, { "by-app": ["a\0b"] })]],
    ["a key with half a character", [part("task/a", 0, [], 1, { "by-app": ["\ud800"] })]],
    ["the same stream twice", [part("task/a", 0, [], 1), part("task/a", 0, [], 2)]],
  ];
  for (const [name, batch] of broken) {
    test(`${name} is a bug of the caller: it rejects, together with the valid parts of its batch`, async (t) => {
      const journal = await tools.open(t);
      await assert.rejects(journal.append([part("task/good", 0, [{ n: 1 }], 1), ...batch]), TypeError);
      assert.equal(await journal.load("task/good"), undefined);
      await committed(journal, [part("task/good", 0, [{ n: 1 }], 1)]);
    });
  }
}
