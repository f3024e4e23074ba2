import assert from "node:assert/strict";
import { test } from "node:test";
import { journalSuite } from "../journal.suite.ts";
import { newMemoryStore, openMemoryJournal } from "./memory.ts";

journalSuite("memory", async () => {
  const store = newMemoryStore();
  return { open: async (indexes) => openMemoryJournal({ indexes, store }), dispose: async () => {} };
});

test("a lost append rejects and has changed nothing", async () => {
  const journal = openMemoryJournal({ indexes: [] });
  journal.failNextAppend("lost");
  await assert.rejects(journal.append([{ stream: "task/a", expected: 0, events: [{ n: 1 }], snapshot: 1 }]));
  assert.equal(await journal.load("task/a"), undefined);
});

test("an unanswered append rejects and is committed: the caller must load", async () => {
  const journal = openMemoryJournal({ indexes: [] });
  journal.failNextAppend("unanswered");
  await assert.rejects(journal.append([{ stream: "task/a", expected: 0, events: [{ n: 1 }], snapshot: 1 }]));
  assert.deepEqual(await journal.load("task/a"), { version: 1, snapshot: 1 });
});
