import assert from "node:assert/strict";
import { test } from "node:test";
import { openMemoryJournal } from "./memory/memory.ts";
import { defineStream } from "./typed-stream.ts";

type Box = { readonly size: number };
type BoxEvent = { readonly kind: "Grown"; readonly by: number };

const boxStream = defineStream<Box, BoxEvent>({ prefix: "box/", index: ({ size }) => ({ sizes: [String(size)] }) });

test("a typed stream is committed, loaded, found and read with its types", async () => {
  const journal = openMemoryJournal({ indexes: ["sizes"] });
  assert.equal(await boxStream.load(journal, "a"), undefined);
  const grown: BoxEvent = { kind: "Grown", by: 3 };
  const result = await journal.append([boxStream.append("a", { expected: 0, events: [grown], state: { size: 3 } })]);
  assert.ok(result.ok);
  assert.deepEqual(await boxStream.load(journal, "a"), { version: 1, state: { size: 3 } });
  assert.deepEqual((await journal.events(boxStream.name("a"), 0, 9)).map(boxStream.eventOf), [grown]);

  await journal.append([boxStream.append("a", { expected: 1, state: { size: 4 }, keepIndex: true })]);
  const { items } = await journal.find({ index: "sizes", prefix: "3", limit: 9 });
  assert.deepEqual(items.map(boxStream.stateOf), [{ size: 4 }], "the old index entry finds the new state");
});

test("a stream of another kind has no id of this kind", () => {
  assert.deepEqual(["box/a", "box/", "other/a"].map(boxStream.idOf), ["a", "", undefined]);
});

test("a single stream has the prefix as its name", () => {
  const single = defineStream<Box>({ prefix: "agent/boxes" });
  assert.deepEqual(single.append("", { expected: 0, state: { size: 1 } }), {
    stream: "agent/boxes",
    expected: 0,
    events: [],
    snapshot: { size: 1 },
  });
});
