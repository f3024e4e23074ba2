// How events change views, which step a task page selects, and which tasks need attention.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { FeedEvent, TaskSummary } from "@gantry/wire/agent/views.ts";
import { FLEET } from "./fleet.fixture.ts";
import { applyToPage, applyToTask } from "./src/data/apply-event.ts";
import { decideAttention } from "./src/data/attention.ts";
import { decideColumns, decideRows, versionOf } from "./src/data/decide-fleet.ts";
import { ago, duration, readable, short, ticking } from "./src/parts/format.ts";
import { decideMove, decideNextFailure, decideSelection } from "./src/task/decide-selection.ts";
import { TASKS } from "./tasks.fixture.ts";

const find = (id: string) => {
  const task = TASKS.find((one) => one.id === id);
  if (!task) throw new Error(`the fixture has no task ${id}`);
  return task;
};

function event(task: string, taskseq: number, fact: FeedEvent["data"]["event"]): FeedEvent {
  return {
    specversion: "1.0",
    id: `${task}/${taskseq}`,
    source: "/gantry/task-agent",
    type: "dev.gantry.test.v1",
    subject: task,
    time: "2026-11-20T08:00:00.000Z",
    datacontenttype: "application/json",
    seq: taskseq,
    taskseq,
    data: { task, pipeline: "cd", title: "Run CD", requestedBy: "dana", url: "", event: fact },
  };
}

test("the end of a step is applied at once; an event older than the view changes nothing", () => {
  const task = find("t0cd-running");
  const ended = {
    kind: "StepEnded",
    job: "deploy[tokyo]",
    attempt: 1,
    step: "wait",
    outcome: "failed",
    durationMs: 20_500,
  };
  const step = (view: typeof task) => view.jobs[1]?.steps.find(({ id }) => id === "wait");
  const next = applyToTask(task, event(task.id, 41, ended));
  assert.deepEqual([step(next)?.state, step(next)?.durationMs, next.version], ["failed", 20_500, 41]);
  assert.equal(applyToTask(task, event(task.id, 40, ended)), task);
  assert.equal(applyToTask(task, event("another", 41, ended)), task);
  assert.equal(applyToTask(next, event(task.id, 41, ended)), next);
});

test("an unknown outcome does not change the state", () => {
  const task = find("t0cd-running");
  const next = applyToTask(task, event(task.id, 41, { kind: "TaskEnded", outcome: "exploded", durationMs: 1 }));
  assert.equal(next.state, "running");
});

test("the end of a task changes its row and no other", () => {
  const page = { items: TASKS };
  const ended = { kind: "TaskEnded", outcome: "succeeded", durationMs: 5, headline: "Run CD succeeded." };
  const next = applyToPage(page, event("t0cd-running", 99, ended));
  assert.deepEqual(
    next.items.map((row, at) => [row.state, row === TASKS[at]]),
    TASKS.map((row) => (row.id === "t0cd-running" ? ["succeeded", false] : [row.state, true])),
  );
  assert.equal(applyToPage(page, event("not-listed", 1, ended)), page);
});

test("a task page selects the failed, held, running or last step", () => {
  const open = (id: string, job: string | null = null, step: string | null = null) =>
    decideSelection(find(id), { job, step });
  assert.deepEqual(open("t0ci-failed"), { job: "build", step: "test" });
  assert.deepEqual(open("t0cd-held"), { job: "deploy[tokyo]", step: "wait" });
  assert.deepEqual(open("t0cd-running"), { job: "deploy[tokyo]", step: "wait" });
  assert.deepEqual(open("t0create"), { job: "jira", step: "project" });
  assert.deepEqual(open("t0ci-failed", "build", "checkout"), { job: "build", step: "checkout" });
  assert.deepEqual(open("t0ci-failed", "gone", "gone"), { job: "build", step: "test" });
  assert.deepEqual(open("t0ci-failed", "scan"), { job: "scan", step: "scan" });
});

test("j and k move over the steps, f to the next failed one", () => {
  const task = find("t0ci-failed");
  const start = { job: "build", step: "checkout" };
  assert.deepEqual(decideMove(task, start, 1), { job: "build", step: "install" });
  assert.deepEqual(decideMove(task, start, -1), start);
  assert.deepEqual(decideNextFailure(task, start), { job: "build", step: "test" });
  assert.equal(decideNextFailure(find("t0create"), undefined), undefined);
});

test("held tasks of anybody and own failed tasks need attention, until a newer task", () => {
  const row = (id: string, more: Partial<TaskSummary>): TaskSummary => ({
    ...find("t0create"),
    id,
    app: "a",
    pipeline: "ci",
    requestedBy: "dana",
    ...more,
  });
  const needs = (...rows: TaskSummary[]) =>
    decideAttention(rows, { name: "dana", role: "developer" }).map(({ id }) => id);
  assert.deepEqual(needs(row("1", { state: "failed" })), ["1"]);
  assert.deepEqual(needs(row("2", { state: "succeeded" }), row("1", { state: "failed" })), []);
  assert.deepEqual(needs(row("1", { state: "failed", requestedBy: "lee" })), []);
  assert.deepEqual(needs(row("1", { state: "held", requestedBy: "lee" })), ["1"]);
  // A failed check of the systems concerns whoever runs the installation.
  const check = row("1", { state: "failed", requestedBy: "lee", app: undefined, pipeline: "check-systems" });
  assert.deepEqual(needs(check), []);
  assert.deepEqual(
    decideAttention([check], { name: "dana", role: "admin" }).map(({ id }) => id),
    ["1"],
  );
});

test("the fleet has a column per cluster while there are few, and shows builds instead of digests", () => {
  const [first] = FLEET.items;
  assert.ok(first);
  assert.deepEqual(
    decideColumns(FLEET.items)?.map(({ cluster }) => cluster),
    ["seoul-dp", "tokyo-dp"],
  );
  const many = Array.from({ length: 7 }, (_, at) => ({ ...first, cluster: `c${at}` }));
  assert.equal(decideColumns(many), undefined);
  assert.deepEqual(
    decideRows(FLEET.items).map(({ app, targets }) => [app, targets.length]),
    [
      ["orders", 2],
      ["payments", 2],
    ],
  );
  assert.equal(versionOf(first), "#12 bef505c1");
  const { running: _, ...unknown } = first;
  assert.equal(versionOf(unknown), "aaaaaaaaaaaa");
  assert.equal(versionOf({ images: [] }), "–");
  assert.equal(versionOf({ images: ["nginx:1.27", "redis:7"] }), "nginx:1.27 +1");
});

test("times and ids are formatted", () => {
  assert.deepEqual([340, 4_079, 9_960, 72_000, 7_500_000, 273_600_000].map(duration), [
    "340 ms",
    "4.1 s",
    "10 s",
    "1 m 12 s",
    "2 h 5 m",
    "3 d 4 h",
  ]);
  assert.deepEqual([0, 999, 3_900, 61_000].map(ticking), ["0 s", "0 s", "3 s", "1 m 1 s"]);
  const now = Date.parse("2026-11-20T08:00:00Z");
  assert.equal(ago("2026-11-20T07:59:58Z", now), "just now");
  assert.equal(ago("2026-11-20T07:43:00Z", now), "17 m ago");
  assert.equal(ago("2026-10-01T07:43:00Z", now), "2026-10-01");
  assert.equal(readable(`image x@sha256:${"ab".repeat(32)} not found`), "image x@sha256:abababababab… not found");
  assert.equal(short(`host/a/b@sha256:${"ab".repeat(32)}`), "abababababab");
});
