import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { GantryError } from "@gantry/core/errors.ts";
import { decideCancel } from "@gantry/core/task/decide-task.ts";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { openDefinitions } from "./definitions.ts";
import { type StartDeps, startTask } from "./start-task.ts";
import { cancelOlder, openTaskGroups } from "./task-groups.ts";
import type { TaskRecord } from "./task-store.ts";
import { openTasks } from "./tasks.ts";

const PIPELINE = `
name: build
title: Build
button: Build
app: none
params: { branch: string, who: { type: string, default: "" } }
concurrency: { group: "GROUP", policy: POLICY }
priority: "PRIORITY"
jobs:
  work: { site: seoul, steps: [{ id: make, title: Make, run: "true" }] }
  late: { needs: work, site: seoul, steps: [{ id: make, title: Make, run: "true" }] }
finally:
  clean: { site: seoul, steps: [{ id: clean, title: Clean, run: "true" }] }
`;

async function open(
  t: TestContext,
  policy: string,
  { group = "build/${{ params.branch }}", priority = "normal" } = {},
): Promise<StartDeps> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-group-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(
    join(folder, "build.yaml"),
    PIPELINE.replace("GROUP", group).replace("POLICY", policy).replace("PRIORITY", priority),
  );
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES });
  const definitions = await openDefinitions(folder, [], journal);
  let ids = 0;
  const newId = (): string => {
    ids += 1;
    return String(ids).padStart(12, "0");
  };
  return { journal, definitions, tasks: openTasks(journal, definitions), portalUrl: "http://portal", newId };
}

function start(deps: StartDeps, key: string, branch = "main"): Promise<TaskRecord> {
  return startTask(deps, { pipeline: "build", params: { branch }, idempotencyKey: key, principal: "ann" });
}

async function standOf(deps: StartDeps, ...records: readonly TaskRecord[]): Promise<readonly string[]> {
  const states = await Promise.all(records.map(async ({ state }) => (await deps.tasks.read(state.id))?.state));
  return states.map((state) => `${state?.outcome ?? state?.phase}${state?.cancel ? ", cancel requested" : ""}`);
}

test("with `cancel-older` a new task cancels the older ones of its group, and waits until they have ended", async (t) => {
  const deps = await open(t, "cancel-older");
  const first = await start(deps, "1");
  const other = await start(deps, "other", "topic");
  const second = await start(deps, "2");
  assert.equal(second.state.behind, first.state.id);
  const third = await start(deps, "3");
  // The first one still cleans up. The second one had not begun.
  assert.deepEqual(await standOf(deps, first, second, third, other), [
    "finalizing, cancel requested",
    "canceled, cancel requested",
    "queued",
    "running",
  ]);
  const [canceled] = await Promise.all([deps.tasks.read(first.state.id)]);
  assert.match(canceled?.state.cancel?.reason ?? "", new RegExp(`newer task ${second.state.id}`));
});

test("a group, a priority and `same` may name what the expressions of jobs may name of the task", async (t) => {
  const ofTask = "${{ task.pipeline }}/${{ task.app }}/${{ task.requestedBy }}";
  const deps = await open(t, `cancel-older, same: "${ofTask}"`, {
    group: ofTask,
    priority: "${{ task.pipeline == 'build' ? 'low' : 'high' }}",
  });
  const [first, second] = [await start(deps, "1"), await start(deps, "2")];
  assert.deepEqual([first.state.group, first.state.priority], ["build//ann", "low"]);
  assert.deepEqual(await standOf(deps, first, second), ["finalizing, cancel requested", "queued"]);
});

test("with `queue` a new task cancels nothing", async (t) => {
  const deps = await open(t, "queue");
  const tasks = [await start(deps, "1"), await start(deps, "2"), await start(deps, "3")];
  assert.deepEqual(await standOf(deps, ...tasks), ["running", "queued", "queued"]);
});

test("with `same` and `until` a new task cancels older ones with the same text, before that job has started", async (t) => {
  const deps = await open(t, 'cancel-older, until: late, same: \'${{ params.branch == "main" ? "" : params.who }}\'');
  const request = (key: string, params: { branch: string; who: string }): Promise<TaskRecord> =>
    startTask(deps, { pipeline: "build", params, idempotencyKey: key, principal: "ann" });
  const tasks: TaskRecord[] = [];
  for (const who of ["ann", "bob", "ann"]) tasks.push(await request(`${tasks.length}`, { branch: "topic", who }));
  const onMain = [
    await request("m1", { branch: "main", who: "ann" }),
    await request("m2", { branch: "main", who: "ann" }),
  ];
  assert.deepEqual(await standOf(deps, ...tasks, ...onMain), [
    "finalizing, cancel requested",
    "queued",
    "queued",
    "running",
    "queued",
  ]);
  const late = await open(t, "cancel-older, until: work, same: all");
  const both = [await start(late, "1"), await start(late, "2")];
  assert.deepEqual(await standOf(late, ...both), ["running", "queued"], "its job has started");
});

test("a repeated request, and a restarted agent, cancel what an interrupted request did not", async (t) => {
  const deps = await open(t, "cancel-older");
  const first = await start(deps, "1");
  const interrupted: StartDeps = {
    ...deps,
    tasks: { ...deps.tasks, change: () => Promise.reject(new Error("the agent was killed")) },
  };
  await assert.rejects(start(interrupted, "2"), /killed/);
  assert.deepEqual(await standOf(deps, first), ["running"]);
  const second = await start(deps, "2");
  assert.deepEqual(await standOf(deps, first, second), ["finalizing, cancel requested", "queued"]);
  await cancelOlder(deps.tasks, second);
  assert.deepEqual(await standOf(deps, first, second), ["finalizing, cancel requested", "queued"]);
});

test("a task that was canceled before its turn does not let the next one run beside the one before it", async (t) => {
  const deps = await open(t, "queue");
  const first = await start(deps, "1");
  const second = await start(deps, "2");
  await deps.tasks.change(second.state.id, ({ state }, now) => decideCancel(state, { by: "ann" }, now));
  const third = await start(deps, "3");
  assert.deepEqual([third.state.phase, third.state.behind], ["queued", first.state.id]);
});

const end = (deps: StartDeps, { state: { id } }: TaskRecord): Promise<TaskRecord> =>
  deps.tasks.change(id, ({ state }, now) => decideCancel(state, { by: "ann" }, now));

test("with `limit` so many tasks of a group run at once, and the others have their turn in the order of their requests", async (t) => {
  const deps = await open(t, "queue, limit: 2");
  const groups = openTaskGroups(deps.journal, deps.tasks);
  const tasks: TaskRecord[] = [];
  for (let number = 0; number < 5; number += 1) tasks.push(await start(deps, `${number}`));
  const [one, two, three, four, five] = tasks as [TaskRecord, TaskRecord, TaskRecord, TaskRecord, TaskRecord];
  assert.deepEqual(await standOf(deps, ...tasks), ["running", "running", "queued", "queued", "queued"]);
  for (const { state } of tasks.toReversed()) await groups.advance(state.id);
  assert.deepEqual(await standOf(deps, ...tasks), ["running", "running", "queued", "queued", "queued"]);
  // The one in the middle never has its turn. Two agents notice each end.
  await end(deps, three);
  for (const ended of [three, two]) {
    if (ended === two) {
      await end(deps, two);
      await end(deps, two);
      await deps.tasks.change(two.state.id, ({ state }, now) => ({
        events: state.phase === "finalizing" ? [{ kind: "TaskExpired", at: now, reason: "The test ends it." }] : [],
      }));
    }
    const { state } = (await deps.tasks.read(ended.state.id)) as TaskRecord;
    await Promise.all([groups.advanceGroup(state), groups.advanceGroup(state)]);
  }
  assert.deepEqual(await standOf(deps, one, four, five), ["running", "running", "queued"]);
});

test("a hundred requests at once start as many tasks as the limit says", async (t) => {
  const deps = await open(t, "queue, limit: 3");
  const started = [];
  for (let round = 0; round < 25; round += 1) {
    const four = [0, 1, 2, 3].map((number) => start(deps, `${round}/${number}`));
    started.push(...(await Promise.all(four)));
  }
  const stand = await standOf(deps, ...started);
  assert.equal(stand.filter((one) => one === "running").length, 3);
  assert.equal(stand.filter((one) => one === "queued").length, 97);
});

test("with `reject` a new task is refused while the group is taken, and says by which task", async (t) => {
  const deps = await open(t, "reject, limit: 2");
  const [first, second] = [await start(deps, "1"), await start(deps, "2")];
  await assert.rejects(start(deps, "3"), (error: GantryError) => {
    assert.deepEqual(
      [error.code, error.details],
      ["group-busy", { group: "build/main", task: second.state.id, limit: 2, title: second.state.title }],
    );
    return true;
  });
  assert.equal((await start(deps, "1")).state.id, first.state.id, "the same request again is the same task");
  assert.equal((await start(deps, "4", "topic")).state.phase, "running", "another group");
});

test("a task of an older version, which has no ticket, keeps its place between the others", async (t) => {
  const deps = await open(t, "queue");
  const groups = openTaskGroups(deps.journal, deps.tasks);
  const first = await start(deps, "1");
  const old: StartDeps = {
    ...deps,
    tasks: {
      ...deps.tasks,
      create: (pipeline, events, alongside) => {
        const without = events.map((event) => {
          if (event.kind !== "TaskRequested") return event;
          const { ticket: _, ...rest } = event;
          return rest;
        });
        return deps.tasks.create(pipeline, without, alongside);
      },
    },
  };
  const second = await start(old, "2");
  const third = await start(deps, "3");
  assert.deepEqual([second.state.behind, third.state.behind], [first.state.id, second.state.id]);
  for (const { state } of [third, second]) await groups.advance(state.id);
  assert.deepEqual(await standOf(deps, first, second, third), ["running", "queued", "queued"]);
});
