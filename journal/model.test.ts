// The same random commands against memory, sqlite and redis must give the same answers: memory is the model.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { testRuns } from "@gantry/core/test-runs.fixture.ts";
import { anyCharacter } from "@gantry/lab/any-character.fixture.ts";
import { noRedis, redisFor } from "@gantry/lab/faults/redis/server.ts";
import fc from "fast-check";
import type { IndexQuery, Journal, StreamAppend, StreamRemoval } from "./journal.ts";
import { newMemoryStore, openMemoryJournal } from "./memory/memory.ts";
import { openRedisJournal } from "./redis/redis.ts";
import { openSqliteJournal } from "./sqlite/sqlite.ts";

const INDEXES = ["one", "two"];

type Command =
  | { readonly do: "append"; readonly batches: readonly (readonly StreamAppend[])[] }
  | { readonly do: "remove"; readonly batch: readonly StreamRemoval[] }
  | { readonly do: "find"; readonly query: IndexQuery }
  | { readonly do: "events"; readonly stream: string; readonly after: number; readonly limit: number }
  | { readonly do: "feed"; readonly after: number; readonly limit: number }
  | { readonly do: "reopen" };

const stream = fc.constantFrom("a", "b", "c/d", "C/d");
const key = fc.oneof(
  fc.constantFrom("", "k", "k1", "k2", "\u{10ffff}", "\uffff"),
  fc.string({ unit: anyCharacter, maxLength: 4 }).filter((text) => !text.includes("\0")),
);
const value = fc.oneof(fc.integer(), fc.string(), fc.dictionary(fc.string(), fc.integer(), { maxKeys: 3 }));
const index = fc.record(
  { one: fc.array(key, { maxLength: 3 }), two: fc.array(key, { maxLength: 2 }) },
  { requiredKeys: [] },
);
const part = fc.record(
  {
    stream,
    expected: fc.nat({ max: 6 }),
    events: fc.array(fc.record({ value }), { maxLength: 3 }),
    snapshot: value,
    index,
  },
  { requiredKeys: ["stream", "expected", "events", "snapshot"] },
);
const batch = fc.uniqueArray(part, { selector: (one) => one.stream, maxLength: 3 });
const removal = fc.uniqueArray(fc.record({ stream, expected: fc.nat({ max: 4 }) }), {
  selector: (one) => one.stream,
  maxLength: 2,
});
const query = fc.record(
  {
    index: fc.constantFrom(...INDEXES),
    prefix: key,
    limit: fc.nat({ max: 5 }),
    order: fc.constantFrom("ascending" as const, "descending" as const),
  },
  { requiredKeys: ["index", "limit"] },
);
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      batches: fc.array(batch, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("remove" as const), batch: removal }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("find" as const), query }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("events" as const),
      stream,
      after: fc.nat({ max: 8 }),
      limit: fc.nat({ max: 8 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("feed" as const), after: fc.nat({ max: 20 }), limit: fc.nat({ max: 8 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "reopen" as const }) },
);

test("memory and sqlite answer alike", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-model-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await answerAlike((run) => openSqliteJournal({ file: join(folder, `${run}.db`), indexes: INDEXES }));
});

test("memory and redis answer alike", { skip: noRedis }, async (t) => {
  const server = await redisFor(t);
  await answerAlike((run) => openRedisJournal({ address: server, prefix: `model-${run}`, indexes: INDEXES }));
});

async function answerAlike(open: (run: number) => Promise<Journal>): Promise<void> {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 25 }), async (commands) => {
      run += 1;
      const store = newMemoryStore();
      let left: Journal = openMemoryJournal({ indexes: INDEXES, store });
      let right = await open(run);
      try {
        for (const one of commands) {
          if (one.do === "reopen") {
            await Promise.all([left.close(), right.close()]);
            left = openMemoryJournal({ indexes: INDEXES, store });
            right = await open(run);
          } else assert.deepEqual(await perform(right, one), await perform(left, one), JSON.stringify(one));
        }
        assert.deepEqual(await everything(right), await everything(left));
      } finally {
        await Promise.all([left.close(), right.close()]);
      }
    }),
    { numRuns: testRuns(60) },
  );
}

async function perform(journal: Journal, command: Exclude<Command, { do: "reopen" }>): Promise<unknown> {
  switch (command.do) {
    case "append":
      return Promise.all(command.batches.map((one) => journal.append(one)));
    case "remove":
      return journal.remove(command.batch);
    case "find":
      return pages(journal, command.query);
    case "events":
      return withoutTime(await journal.events(command.stream, command.after, command.limit));
    case "feed":
      return withoutTime(await journal.feed(command));
  }
}

async function everything(journal: Journal): Promise<unknown> {
  const streams = await Promise.all(["a", "b", "c/d", "C/d"].map((name) => journal.load(name)));
  const entries = await Promise.all(INDEXES.map((name) => pages(journal, { index: name, limit: 3 })));
  return [streams, entries, withoutTime(await journal.feed({ after: 0, limit: 1_000 }))];
}

/** All pages of a query; a query with limit 0 has one. */
async function pages(journal: Journal, first: IndexQuery): Promise<unknown> {
  const all: unknown[] = [];
  let next: IndexQuery | undefined = first;
  while (next) {
    const page = await journal.find(next);
    all.push(page);
    next = page.cursor === undefined ? undefined : { ...first, cursor: page.cursor };
  }
  return all;
}

function withoutTime(events: readonly { readonly atMicros: number }[]): unknown {
  return events.map(({ atMicros: _, ...rest }) => rest);
}
