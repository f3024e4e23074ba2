// Lists of many tasks before, during and after a pass of retention: a client that reads the pages during the pass sees every
// task that stays, once and in order. The same with 100,000 tasks: GANTRY_TASKS=100000 node --test task-agent/retention/retention-lists.test.ts

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { retentionPolicy } from "@gantry/core/retention/policy.ts";
import { newTaskId } from "@gantry/core/task/task-id.ts";
import { listArchive, openArchiveWriter } from "@gantry/journal/archive/archive.ts";
import type { IndexQuery, Journal, StreamAppend } from "@gantry/journal/journal.ts";
import { openSqliteJournal } from "@gantry/journal/sqlite/sqlite.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { DAY_MS } from "./decide-retention.ts";
import { TASKS } from "./task-archive.ts";
import { sweepTasks } from "./task-retention.ts";

const COUNT = Number(process.env.GANTRY_TASKS ?? 1_500);
const APPS = 10;
const KEEP = 5;
const NOW = 1_790_000_000_000;
/** So many tasks are old enough; the rest is too young. */
const OLD = Math.floor(COUNT * 0.8);

function taskOf(n: number): StreamAppend {
  const at = n < OLD ? NOW - 200 * DAY_MS + n * 1_000 : NOW - DAY_MS + n;
  const id = newTaskId(at, crypto.randomUUID());
  const app = `app-${n % APPS}`;
  const outcome = n % 3 === 0 ? "failed" : "succeeded";
  const key = `${String(at).padStart(15, "0")}/${id}`;
  return {
    stream: `task/${id}`,
    expected: 0,
    events: [{ kind: "TaskRequested" }, { kind: "TaskEnded" }],
    snapshot: { id, app, pipeline: "ci", phase: "ended", outcome, definition: "x", requestedAt: at, endedAt: at + 1 },
    index: {
      tasks: [key],
      "tasks-by-app": [`${app}/${key}`],
      "tasks-by-state": [`${outcome}/${key}`],
      ended: [`${app}/ci/${key}`],
    },
  };
}

const QUERIES: readonly IndexQuery[] = [
  { index: "tasks", limit: 50, order: "descending" },
  { index: "tasks-by-app", prefix: "app-3/", limit: 20, order: "descending" },
  { index: "tasks-by-state", prefix: "failed/", limit: 50, order: "descending" },
];

/** The keys of all pages; `turn` is called between two of them. */
async function pages(journal: Journal, query: IndexQuery, turn: () => Promise<void>): Promise<readonly string[]> {
  const keys: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await journal.find({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    keys.push(...page.items.map(({ key }) => key));
    cursor = page.cursor;
    await turn();
  } while (cursor !== undefined);
  return keys;
}

test(`lists of ${COUNT} tasks stay correct while most of the tasks are archived`, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-lists-"));
  const journal = await openSqliteJournal({
    file: join(folder, "journal.sqlite"),
    indexes: AGENT_INDEXES,
    clock: { nowMs: () => NOW, monotonicMs: () => performance.now(), after: () => () => {} },
  });
  t.after(async () => {
    await journal.close();
    await rm(folder, { recursive: true, force: true });
  });
  for (let n = 0; n < COUNT; n += 500)
    await journal.append(Array.from({ length: Math.min(500, COUNT - n) }, (_, at) => taskOf(n + at)));
  const yielding = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const before = await Promise.all(QUERIES.map((query) => pages(journal, query, yielding)));
  assert.equal(before[0]?.length, COUNT);

  const archive = join(folder, "archive");
  const sweeping = sweepTasks({
    journal,
    tasks: { now: async () => NOW, reindex: async () => assert.fail("all tasks are indexed"), forget: () => {} },
    archive: openArchiveWriter({ folder: archive, kind: TASKS, nowMs: () => NOW }),
    policy: () => retentionPolicy.parse({ tasks: { days: 90, keep: KEEP } }),
    readUpTo: async () => Number.POSITIVE_INFINITY,
    clock: { monotonicMs: () => performance.now() },
    rest: yielding,
    isStopping: () => false,
  });
  const during = await Promise.all(QUERIES.map((query) => pages(journal, query, yielding)));
  const swept = await sweeping;
  const after = await Promise.all(QUERIES.map((query) => pages(journal, query, yielding)));

  // Each app has more than `keep` young tasks, so all old ones are archived.
  assert.equal(swept.archived, OLD);
  assert.equal(after[0]?.length, COUNT - OLD);
  for (const [at, left] of after.entries()) {
    const all = before[at] ?? [];
    const seen = during[at] ?? [];
    const shown = new Set(seen);
    assert.deepEqual(left, all.slice(0, left.length), "the newest are left, in order");
    assert.equal(shown.size, seen.length, "nothing is shown twice");
    assert.deepEqual(seen.slice(0, left.length), left, "no task that stays is missing");
    assert.deepEqual(
      seen,
      all.filter((key) => shown.has(key)),
      "everything is in order",
    );
  }
  let archived = 0;
  for await (const { parts } of listArchive(archive, TASKS)) for (const { ids } of parts) archived += ids.length;
  assert.equal(archived, OLD);
  t.diagnostic(`longest removal ${swept.longestRemovalMs.toFixed(1)} ms`);
});
