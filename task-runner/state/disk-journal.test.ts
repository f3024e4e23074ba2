import assert from "node:assert/strict";
import { appendFile, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { type DiskJournal, openDiskJournal } from "./disk-journal.ts";
import { type DiskRecord, type DiskState, fold, recordsOf } from "./disk-state.ts";
import { machineFiles } from "./files.ts";

const silent = (): void => {};
const logger = { debug: silent, info: silent, warn: silent, error: silent };
const lease = { renewEveryMs: 1, selfFenceMs: 2, reassignAfterMs: 3 };
const ref = (fence: number) => ({ task: "t1", job: "build", attempt: 1, fence });

async function fileOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-disk-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "journal.jsonl");
}

async function reopen(journal: DiskJournal, file: string): Promise<DiskJournal> {
  await journal.close();
  return openDiskJournal(machineFiles, file, 0, logger);
}

test("committed records survive a restart, and closed attempts are forgotten", async (t) => {
  const file = await fileOf(t);
  let journal = await openDiskJournal(machineFiles, file, 0, logger);
  await journal.commit({ k: "claimed", ref: ref(1), lease });
  journal.note({ k: "group", ref: ref(1), group: { pgid: 77, startedAt: "x" } });
  await journal.commit({ k: "claimed", ref: ref(2), lease });
  await journal.commit({ k: "effect", key: "k", result: { a: 1 }, atMs: 0 });
  journal = await reopen(journal, file);
  assert.deepEqual(
    [...journal.state.attempts.values()].map((one) => [one.ref.fence, [...one.groups.keys()]]),
    [
      [1, [77]],
      [2, []],
    ],
  );
  assert.deepEqual(journal.state.effects.get("k"), { result: { a: 1 }, atMs: 0 });
  await journal.commit({ k: "closed", ref: ref(1) });
  journal = await reopen(journal, file);
  assert.equal(journal.state.attempts.size, 1);
  await journal.close();
});

test("a line that was truncated by a crash is skipped, and the others are read", async (t) => {
  const file = await fileOf(t);
  let journal = await openDiskJournal(machineFiles, file, 0, logger);
  await journal.commit({ k: "claimed", ref: ref(1), lease });
  await journal.close();
  await appendFile(file, '{"k":"closed","ref":{"task":"t1"');
  journal = await openDiskJournal(machineFiles, file, 0, logger);
  assert.equal(journal.state.attempts.size, 1);
  await journal.close();
  assert.ok((await readFile(file, "utf8")).endsWith("}\n"));
});

test("the file stays small, however many records are written", async (t) => {
  const file = await fileOf(t);
  const journal = await openDiskJournal(machineFiles, file, 0, logger);
  const outputs = { text: "x".repeat(100_000) };
  const event = { kind: "step-ended", step: "s", outcome: "succeeded", durationMs: 1, outputs } as const;
  for (let fence = 1; fence <= 120; fence += 1) {
    journal.note({ k: "claimed", ref: ref(fence), lease });
    journal.note({ k: "event", ref: ref(fence), event });
    await journal.commit({ k: "closed", ref: ref(fence) });
  }
  assert.ok((await stat(file)).size < 6_000_000);
  await journal.close();
});

test("an effect that was not requested again within a week is forgotten", async (t) => {
  const file = await fileOf(t);
  const journal = await openDiskJournal(machineFiles, file, 0, logger);
  await journal.commit({ k: "effect", key: "old", result: {}, atMs: 0 });
  await journal.close();
  const later = await openDiskJournal(machineFiles, file, 8 * 24 * 3_600_000, logger);
  assert.equal(later.state.effects.size, 0);
  await later.close();
});

test("property: a compacted journal describes the same state", () => {
  const fence = fc.integer({ min: 1, max: 3 });
  const event = { kind: "step-started", step: "s" } as const;
  const record: fc.Arbitrary<DiskRecord> = fc.oneof(
    fence.map((one): DiskRecord => ({ k: "claimed", ref: ref(one), lease })),
    fc
      .tuple(fence, fc.nat({ max: 3 }))
      .map(([one, pgid]): DiskRecord => ({ k: "group", ref: ref(one), group: { pgid, startedAt: "x" } })),
    fc.tuple(fence, fc.nat({ max: 3 })).map(([one, pgid]): DiskRecord => ({ k: "group-gone", ref: ref(one), pgid })),
    fence.map((one): DiskRecord => ({ k: "event", ref: ref(one), event })),
    fence.map((one): DiskRecord => ({ k: "log", ref: ref(one), step: "s", file: "f" })),
    fence.map((one): DiskRecord => ({ k: "closed", ref: ref(one) })),
    fence.map((one): DiskRecord => ({ k: "effect", key: `k${one}`, result: {}, atMs: one })),
    fence.map((one): DiskRecord => ({ k: "effect-told", key: `k${one}` })),
  );
  const folded = (records: readonly DiskRecord[]): DiskState => {
    const state: DiskState = { attempts: new Map(), effects: new Map() };
    for (const one of records) fold(state, one);
    return state;
  };
  fc.assert(
    fc.property(fc.array(record, { maxLength: 40 }), (records) => {
      const state = folded(records);
      assert.deepEqual(folded(recordsOf(state)), state);
    }),
  );
});
