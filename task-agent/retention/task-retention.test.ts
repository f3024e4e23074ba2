// Old tasks leave the journal of a real agent without HTTP; whatever fails on the way, each is in the journal or in the
// archive, and what must stay stays.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { retentionPolicy } from "@gantry/core/retention/policy.ts";
import { decideCancel } from "@gantry/core/task/decide-task.ts";
import { openArchiveWriter } from "@gantry/journal/archive/archive.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { openWorld } from "../agent.fixture.ts";
import { DAY_MS } from "./decide-retention.ts";
import { openTaskArchive, TASKS } from "./task-archive.ts";
import { type RetentionDeps, type Swept, sweepTasks } from "./task-retention.ts";

type World = Awaited<ReturnType<typeof openRetentionWorld>>;
const POLICY = { tasks: { days: 30, keep: 1 } };

async function openRetentionWorld(t: TestContext, { grouped = false } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "gantry-retention-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  let journal: Journal | undefined;
  const world = await openWorld({
    grouped,
    around: (inner) => {
      journal = inner;
      return inner;
    },
  });
  assert.ok(journal);
  const { tasks, definitions } = world.agent;
  const deps: RetentionDeps = {
    journal,
    tasks,
    archive: openArchiveWriter({ folder, kind: TASKS, nowMs: world.clock.nowMs }),
    policy: () => retentionPolicy.parse(POLICY),
    readUpTo: async () => Number.POSITIVE_INFINITY,
    clock: world.clock,
    rest: async () => {},
    isStopping: () => false,
  };
  let keys = 0;
  return {
    ...world,
    journal,
    archive: openTaskArchive(folder, definitions),
    sweep: (over: Partial<RetentionDeps> = {}): Promise<Swept> => sweepTasks({ ...deps, ...over }),
    deps,
    begin: async (): Promise<string> => {
      keys += 1;
      world.clock.jumpWall(1);
      return (await world.start(`key-${keys}`)).state.id;
    },
    end: async (id: string): Promise<void> => {
      await tasks.change(id, ({ state }, now) => decideCancel(state, { by: "dev" }, now));
      await world.clock.pass(0);
    },
    later: (days: number): void => world.clock.jumpWall(days * DAY_MS),
  };
}

/** Tasks that have ended, oldest first. */
async function ended(world: World, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const id = await world.begin();
    await world.end(id);
    ids.push(id);
  }
  return ids;
}

async function listed(journal: Journal, index: string): Promise<readonly string[]> {
  const { items } = await journal.find({ index, limit: 1_000 });
  return items.map(({ stream }) => stream.slice("task/".length));
}

test("ended tasks leave when they are old enough, but the newest; everything of them is in the archive", async (t) => {
  const world = await openRetentionWorld(t);
  const ids = await ended(world, 5);
  const [first = "", ...others] = ids;
  const before = JSON.parse(JSON.stringify(await world.agent.tasks.read(first)));
  const events = await world.journal.events(`task/${first}`, 0, 100);
  world.later(29.9);
  assert.equal((await world.sweep()).archived, 0);
  world.later(0.2);
  assert.deepEqual([...(await world.sweep()).stayed], [["newest", 1]]);
  const newest = others.at(-1) ?? "";
  for (const index of ["tasks", "tasks-by-state", "ended"])
    assert.deepEqual(await listed(world.journal, index), [newest]);
  assert.equal(await world.agent.tasks.read(first), undefined);
  assert.deepEqual(JSON.parse(JSON.stringify(await world.archive.read(first))), { record: before, events });
  assert.deepEqual((await world.journal.find({ index: "keys", limit: 9 })).items.length, 1);
  assert.deepEqual(
    (await world.journal.feed({ after: 0, limit: 100 })).filter(({ stream }) => stream === `task/${first}`),
    [],
  );
  assert.equal((await world.sweep()).archived, 0, "nothing is left to do");
});

test("an open task stays, and so does the one that another one reruns or waits behind", async (t) => {
  const world = await openRetentionWorld(t);
  const [rerun = "", behind = "", plain = ""] = await ended(world, 3);
  const open = await world.begin();
  const refer = async (index: string, key: string): Promise<void> => {
    const append = { stream: `other/${index}`, expected: 0, events: [], snapshot: {}, index: { [index]: [key] } };
    assert.ok((await world.journal.append([append])).ok);
  };
  await refer("reruns", `${rerun}/${open}`);
  await refer("behind", `${behind}/${open}`);
  await ended(world, 1);
  world.later(40);
  assert.deepEqual([...(await world.sweep()).stayed].sort(), [
    ["newest", 1],
    ["open", 1],
    ["referred", 2],
  ]);
  assert.deepEqual((await world.archive.read(plain))?.record.state.id, plain);
});

test("what a reader has not read stays until it has", async (t) => {
  const world = await openRetentionWorld(t);
  const [first = "", second = ""] = await ended(world, 3);
  const last = (await world.journal.events(`task/${first}`, 0, 100)).at(-1)?.seq ?? 0;
  world.later(40);
  assert.equal((await world.sweep({ readUpTo: async () => last - 1 })).archived, 0);
  assert.equal((await world.sweep({ readUpTo: async () => last })).archived, 1);
  assert.deepEqual([await world.archive.has(first), await world.archive.has(second)], [true, false]);
});

test("the same key starts a new task when the old one has left, and not before", async (t) => {
  const world = await openRetentionWorld(t);
  const { state: first } = await world.start("again");
  await world.end(first.id);
  await ended(world, 1);
  assert.equal((await world.start("again")).state.id, first.id);
  world.later(40);
  assert.equal((await world.sweep()).archived, 1);
  const { state: second } = await world.start("again");
  assert.notEqual(second.id, first.id);
  assert.equal((await world.start("again")).state.id, second.id);
});

test("a task of a group whose last one has left begins at once", async (t) => {
  const world = await openRetentionWorld(t, { grouped: true });
  const id = await world.begin();
  await world.end(id);
  world.later(40);
  // Without the rule about the newest one, as if another app had the last one of the group.
  const append = { stream: "other/newer", expected: 0, events: [], snapshot: {} };
  await world.journal.append([{ ...append, index: { ended: [`-/test/${"9".repeat(15)}/x`] } }]);
  assert.equal((await world.sweep()).archived, 1);
  assert.equal((await world.agent.tasks.read(await world.begin()))?.state.phase, "running");
});

test("tasks that an older version ended get their entry first, and leave at a later pass", async (t) => {
  const world = await openRetentionWorld(t);
  const ids = await ended(world, 3);
  for (const id of ids) {
    const loaded = await world.journal.load(`task/${id}`);
    assert.ok(loaded);
    const [key = ""] = (await world.journal.find({ index: "tasks", limit: 9 })).items
      .filter(({ stream }) => stream === `task/${id}`)
      .map((item) => item.key);
    await world.journal.append([
      {
        stream: `task/${id}`,
        expected: loaded.version,
        events: [],
        snapshot: loaded.snapshot,
        index: { tasks: [key] },
      },
    ]);
  }
  world.later(40);
  assert.equal((await world.sweep()).archived, 0);
  assert.equal((await world.sweep()).archived, 2);
});

test("whatever fails, and whoever dies, at any step: each task is in the journal or in the archive", async (t) => {
  const world = await openRetentionWorld(t);
  const { archive, journal } = world.deps;
  const died = new Error("the process died");
  const ids: string[] = [];
  for (let failAt = 1; failAt <= 8; failAt += 1) {
    ids.push(...(await ended(world, 6)));
    world.later(40);
    let step = 0;
    /** Every odd step is before a piece of work, every even one after it. */
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
    await assert.rejects(world.sweep(dying), died);
    for (const id of ids)
      assert.ok((await journal.load(`task/${id}`)) || (await world.archive.has(id)), `${id} after step ${failAt}`);
  }
  await world.sweep();
  assert.deepEqual(await listed(world.journal, "tasks"), ids.slice(-1));
  for (const id of ids.slice(0, -1)) assert.ok(await world.archive.has(id));
});

test("a task that changes while it is being archived stays; the others of the batch leave", async (t) => {
  const world = await openRetentionWorld(t);
  const [, late = ""] = await ended(world, 5);
  world.later(40);
  const loaded = await world.journal.load(`task/${late}`);
  assert.ok(loaded);
  const { version, snapshot } = loaded;
  const archive: RetentionDeps["archive"] = {
    append: async (records) => {
      await world.deps.archive.append(records);
      // A report that comes late, as it does once.
      await world.journal.append([{ stream: `task/${late}`, expected: version, events: [{ kind: "Late" }], snapshot }]);
    },
  };
  assert.equal((await world.sweep({ archive })).archived, 3);
  assert.ok(await world.journal.load(`task/${late}`));
});

test("two agents that sweep at once do it once, and lose nothing", async (t) => {
  const world = await openRetentionWorld(t);
  const ids = await ended(world, 20);
  world.later(40);
  const both = await Promise.all([world.sweep(), world.sweep()]);
  assert.ok(both.every(({ archived }) => archived > 0));
  assert.deepEqual(await listed(world.journal, "tasks"), ids.slice(-1));
  for (const id of ids.slice(0, -1)) assert.ok(await world.archive.has(id));
});
