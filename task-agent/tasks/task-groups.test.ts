import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { decideCancel } from "@gantry/core/task/decide-task.ts";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { openDefinitions } from "./definitions.ts";
import { type StartDeps, startTask } from "./start-task.ts";
import { cancelOlder } from "./task-groups.ts";
import type { TaskRecord } from "./task-store.ts";
import { openTasks } from "./tasks.ts";

const PIPELINE = `
name: build
title: Build
button: Build
app: none
params: { branch: string, who: { type: string, default: "" } }
concurrency: { group: "build/\${{ params.branch }}", policy: POLICY }
jobs:
  work: { site: seoul, steps: [{ id: make, title: Make, run: "true" }] }
  late: { needs: work, site: seoul, steps: [{ id: make, title: Make, run: "true" }] }
finally:
  clean: { site: seoul, steps: [{ id: clean, title: Clean, run: "true" }] }
`;

async function open(t: TestContext, policy: string): Promise<StartDeps> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-group-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "build.yaml"), PIPELINE.replace("POLICY", policy));
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
