// Retention with a real agent without HTTP: whatever fails, each task is in the journal or in the archive, and tasks that must
// stay are kept.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { retentionPolicy } from "@gantry/core/retention/policy.ts";
import { decideCancel } from "@gantry/core/task/decide-task.ts";
import { openArchiveWriter } from "@gantry/journal/archive/archive.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { openTestAgent } from "../agent.fixture.ts";
import { DAY_MS } from "./decide-retention.ts";
import { openTaskArchive, TASKS } from "./task-archive.ts";
import { type RetentionDeps, type SweepResult, sweepTasks } from "./task-retention.ts";

type RetentionFixture = Awaited<ReturnType<typeof openRetentionFixture>>;
const POLICY = { tasks: { days: 30, keep: 1 } };

async function openRetentionFixture(t: TestContext, { grouped = false } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "gantry-retention-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  let journal: Journal | undefined;
  const fixture = await openTestAgent({
    grouped,
    wrapJournal: (inner) => {
      journal = inner;
      return inner;
    },
  });
  assert.ok(journal);
  const { tasks, definitions } = fixture.agent;
  const deps: RetentionDeps = {
    journal,
    tasks,
    archive: openArchiveWriter({ folder, kind: TASKS, nowMs: fixture.clock.nowMs }),
    policy: () => retentionPolicy.parse(POLICY),
    readUpTo: async () => Number.POSITIVE_INFINITY,
    clock: fixture.clock,
    rest: async () => {},
    isStopping: () => false,
  };
  let keys = 0;
  return {
    ...fixture,
    journal,
    archive: openTaskArchive(folder, definitions),
    sweep: (over: Partial<RetentionDeps> = {}): Promise<SweepResult> => sweepTasks({ ...deps, ...over }),
    deps,
    begin: async (): Promise<string> => {
      keys += 1;
      fixture.clock.jumpWall(1);
      return (await fixture.start(`key-${keys}`)).state.id;
    },
    end: async (id: string): Promise<void> => {
      await tasks.change(id, ({ state }, now) => decideCancel(state, { by: "dev" }, now));
      await fixture.clock.pass(0);
    },
    later: (days: number): void => fixture.clock.jumpWall(days * DAY_MS),
  };
}

/** Tasks that have ended, oldest first. */
async function ended(fixture: RetentionFixture, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const id = await fixture.begin();
    await fixture.end(id);
    ids.push(id);
  }
  return ids;
}

async function listed(journal: Journal, index: string): Promise<readonly string[]> {
  const { items } = await journal.find({ index, limit: 1_000 });
  return items.map(({ stream }) => stream.slice("task/".length));
}

test("ended tasks are archived completely when they are old enough, except the newest", async (t) => {
  const fixture = await openRetentionFixture(t);
  const ids = await ended(fixture, 5);
  const [first = "", ...others] = ids;
  const before = JSON.parse(JSON.stringify(await fixture.agent.tasks.read(first)));
  const events = await fixture.journal.events(`task/${first}`, 0, 100);
  fixture.later(29.9);
  assert.equal((await fixture.sweep()).archived, 0);
  fixture.later(0.2);
  assert.deepEqual([...(await fixture.sweep()).kept], [["newest", 1]]);
  const newest = others.at(-1) ?? "";
  for (const index of ["tasks", "tasks-by-state", "ended"])
    assert.deepEqual(await listed(fixture.journal, index), [newest]);
  assert.equal(await fixture.agent.tasks.read(first), undefined);
  assert.deepEqual(JSON.parse(JSON.stringify(await fixture.archive.read(first))), { record: before, events });
  assert.deepEqual((await fixture.journal.find({ index: "keys", limit: 9 })).items.length, 1);
  assert.deepEqual(
    (await fixture.journal.feed({ after: 0, limit: 100 })).filter(({ stream }) => stream === `task/${first}`),
    [],
  );
  assert.equal((await fixture.sweep()).archived, 0, "nothing is left to archive");
});

test("an open task stays, and so does a task that another one reruns or waits behind", async (t) => {
  const fixture = await openRetentionFixture(t);
  const [rerun = "", behind = "", plain = ""] = await ended(fixture, 3);
  const open = await fixture.begin();
  const refer = async (index: string, key: string): Promise<void> => {
    const append = { stream: `other/${index}`, expected: 0, events: [], snapshot: {}, index: { [index]: [key] } };
    assert.ok((await fixture.journal.append([append])).ok);
  };
  await refer("reruns", `${rerun}/${open}`);
  await refer("behind", `${behind}/${open}`);
  await ended(fixture, 1);
  fixture.later(40);
  assert.deepEqual([...(await fixture.sweep()).kept].sort(), [
    ["newest", 1],
    ["open", 1],
    ["referred", 2],
  ]);
  assert.deepEqual((await fixture.archive.read(plain))?.record.state.id, plain);
});

test("a task stays until every reader has read it", async (t) => {
  const fixture = await openRetentionFixture(t);
  const [first = "", second = ""] = await ended(fixture, 3);
  const last = (await fixture.journal.events(`task/${first}`, 0, 100)).at(-1)?.seq ?? 0;
  fixture.later(40);
  assert.equal((await fixture.sweep({ readUpTo: async () => last - 1 })).archived, 0);
  assert.equal((await fixture.sweep({ readUpTo: async () => last })).archived, 1);
  assert.deepEqual([await fixture.archive.has(first), await fixture.archive.has(second)], [true, false]);
});

test("an idempotency key starts a new task only after the old one was archived", async (t) => {
  const fixture = await openRetentionFixture(t);
  const { state: first } = await fixture.start("again");
  await fixture.end(first.id);
  await ended(fixture, 1);
  assert.equal((await fixture.start("again")).state.id, first.id);
  fixture.later(40);
  assert.equal((await fixture.sweep()).archived, 1);
  const { state: second } = await fixture.start("again");
  assert.notEqual(second.id, first.id);
  assert.equal((await fixture.start("again")).state.id, second.id);
});

test("a task starts at once when the last task of its group was archived", async (t) => {
  const fixture = await openRetentionFixture(t, { grouped: true });
  const id = await fixture.begin();
  await fixture.end(id);
  fixture.later(40);
  // So that the rule about the newest task does not keep it.
  const append = { stream: "other/newer", expected: 0, events: [], snapshot: {} };
  await fixture.journal.append([{ ...append, index: { ended: [`-/test/${"9".repeat(15)}/x`] } }]);
  assert.equal((await fixture.sweep()).archived, 1);
  assert.equal((await fixture.agent.tasks.read(await fixture.begin()))?.state.phase, "running");
});

test("tasks that an older version did not index are indexed first and archived by a later pass", async (t) => {
  const fixture = await openRetentionFixture(t);
  const ids = await ended(fixture, 3);
  for (const id of ids) {
    const loaded = await fixture.journal.load(`task/${id}`);
    assert.ok(loaded);
    const [key = ""] = (await fixture.journal.find({ index: "tasks", limit: 9 })).items
      .filter(({ stream }) => stream === `task/${id}`)
      .map((item) => item.key);
    await fixture.journal.append([
      {
        stream: `task/${id}`,
        expected: loaded.version,
        events: [],
        snapshot: loaded.snapshot,
        index: { tasks: [key] },
      },
    ]);
  }
  fixture.later(40);
  assert.equal((await fixture.sweep()).archived, 0);
  assert.equal((await fixture.sweep()).archived, 2);
});

test("after a failure at any step each task is in the journal or in the archive", async (t) => {
  const fixture = await openRetentionFixture(t);
  const { archive, journal } = fixture.deps;
  const died = new Error("the process crashed");
  const ids: string[] = [];
  for (let failAt = 1; failAt <= 8; failAt += 1) {
    ids.push(...(await ended(fixture, 6)));
    fixture.later(40);
    let step = 0;
    /** Odd steps are before a piece of work, even ones after it. */
    const reach = (): void => {
      step += 1;
      if (step === failAt) throw died;
    };
    const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
      reach();
      const result = await work();
      reach();
      return result;
    };
    const dying: Partial<RetentionDeps> = {
      archive: { append: (records) => guarded(() => archive.append(records)) },
      journal: { ...journal, remove: (batch) => guarded(() => journal.remove(batch)) },
    };
    await assert.rejects(fixture.sweep(dying), died);
    for (const id of ids)
      assert.ok((await journal.load(`task/${id}`)) || (await fixture.archive.has(id)), `${id} after step ${failAt}`);
  }
  await fixture.sweep();
  assert.deepEqual(await listed(fixture.journal, "tasks"), ids.slice(-1));
  for (const id of ids.slice(0, -1)) assert.ok(await fixture.archive.has(id));
});

test("a task that changes while it is being archived stays; the others of the batch are archived", async (t) => {
  const fixture = await openRetentionFixture(t);
  const [, late = ""] = await ended(fixture, 5);
  fixture.later(40);
  const loaded = await fixture.journal.load(`task/${late}`);
  assert.ok(loaded);
  const { version, snapshot } = loaded;
  const archive: RetentionDeps["archive"] = {
    append: async (records) => {
      await fixture.deps.archive.append(records);
      // For example a late report.
      await fixture.journal.append([
        { stream: `task/${late}`, expected: version, events: [{ kind: "Late" }], snapshot },
      ]);
    },
  };
  assert.equal((await fixture.sweep({ archive })).archived, 3);
  assert.ok(await fixture.journal.load(`task/${late}`));
});

test("two agents that archive at the same time lose nothing", async (t) => {
  const fixture = await openRetentionFixture(t);
  const ids = await ended(fixture, 20);
  fixture.later(40);
  const both = await Promise.all([fixture.sweep(), fixture.sweep()]);
  assert.ok(both.every(({ archived }) => archived > 0));
  assert.deepEqual(await listed(fixture.journal, "tasks"), ids.slice(-1));
  for (const id of ids.slice(0, -1)) assert.ok(await fixture.archive.has(id));
});
