// What the task page derives from a task: progress, failed jobs, reruns, groups of jobs, announcements.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobView, TaskView } from "@gantry/wire/agent/views.ts";
import { decideGraph } from "./src/task/decide-graph.ts";
import { decideParts } from "./src/task/decide-groups.ts";
import { failedJobs, progressText } from "./src/task/decide-progress.ts";
import { decideReruns } from "./src/task/decide-reruns.ts";
import { decideSelection, positionText } from "./src/task/decide-selection.ts";
import { decideFirstView } from "./src/task/decide-view.ts";
import { groupHeight, jobHeight } from "./src/task/graph-size.ts";
import { TASKS } from "./tasks.fixture.ts";

const find = (id: string): TaskView => {
  const task = TASKS.find((one) => one.id === id);
  if (!task) throw new Error(`the fixture has no task ${id}`);
  return task;
};

const withStates = (job: JobView, key: string, state: JobView["state"]): JobView => ({
  ...job,
  key,
  state,
  steps: job.steps.map((step) => ({ ...step, state })),
});

/** A task with one job of an `each` per state. */
function matrix(states: readonly JobView["state"][]): TaskView {
  const task = find("t0cd-held");
  const [, deploy] = task.jobs;
  if (!deploy) throw new Error("the fixture has no second job");
  const jobs = states.map((state, at) => withStates(deploy, `deploy[c${at}]`, state));
  return { ...task, state: "failed", jobs: [...task.jobs.slice(0, 1), ...jobs] };
}

test("skipped steps do not count as succeeded", () => {
  const task = find("t0ci-failed");
  const [build, ...others] = task.jobs;
  if (!build) throw new Error("the fixture has no job");
  const jobs = [build, ...others.map((job) => withStates(job, job.key, "skipped"))];
  assert.equal(progressText({ ...task, jobs, stepsDone: 4 }), "2 of 6 steps succeeded, 2 skipped");
});

test("every failed job is named when more than one failed", () => {
  const task = matrix(["failed", "succeeded", "timed-out"]);
  assert.deepEqual(
    failedJobs(task).map(({ key }) => key),
    ["deploy[c0]", "deploy[c2]"],
  );
});

test("a canceled task without failed jobs does not offer to rerun failed jobs", () => {
  const labels = (state: TaskView["state"], ...jobs: JobView["state"][]): string[] =>
    decideReruns({ ...matrix(jobs), state }).map(({ label }) => label);
  assert.deepEqual(labels("canceled", "succeeded", "canceled"), ["Rerun unfinished jobs", "Rerun all jobs"]);
  assert.deepEqual(labels("failed", "succeeded", "failed"), ["Rerun failed jobs", "Rerun all jobs"]);
  assert.deepEqual(labels("succeeded", "succeeded"), ["Rerun all jobs"]);
  const nothingRan = { state: "canceled", jobs: matrix(["canceled"]).jobs.slice(1) } as const;
  assert.deepEqual(
    decideReruns(nothingRan).map(({ label }) => label),
    ["Rerun all jobs"],
  );
});

test("a matrix of 48 jobs is one box with the failed ones, and opens with a failed one selected", () => {
  const states = Array.from({ length: 48 }, (_, at): JobView["state"] => (at === 40 ? "failed" : "succeeded"));
  const task = matrix(states);
  const selected = decideSelection(task, { job: null, step: null });
  assert.equal(selected?.job, "deploy[c40]");
  const parts = decideParts(task, selected, new Set());
  assert.equal(parts.length, 2);
  const group = parts[1];
  assert.ok(group?.kind === "group");
  assert.deepEqual(
    group.shown.map(({ key }) => key),
    ["deploy[c40]"],
  );
  assert.deepEqual(group.counts, [
    ["failed", 1],
    ["succeeded", 47],
  ]);
  const heights = parts.map((part) => (part.kind === "job" ? jobHeight(part.job) : groupHeight(part)));
  assert.ok(Math.max(...heights) < 400, `the graph is ${Math.max(...heights)} px high`);
  assert.deepEqual(decideGraph(task, parts).nodes[1]?.needs, ["commit"]);
  const expanded = decideParts(task, selected, new Set([group.key]))[1];
  assert.equal(expanded?.kind === "group" && expanded.shown.length, 48);
});

test("few jobs are shown one by one", () => {
  const parts = decideParts(matrix(Array(8).fill("succeeded")), undefined, new Set());
  assert.ok(parts.every(({ kind }) => kind === "job"));
});

test("a large matrix that runs opens as a graph", () => {
  const task: TaskView = { ...matrix(Array(300).fill("running")), state: "running" };
  assert.equal(decideFirstView(task), "graph");
});

test("a newly selected step is announced with its position, state and job", () => {
  const text = positionText(find("t0ci-failed"), { job: "build", step: "test" });
  assert.equal(text, "Step 3 of 6, failed: Run the tests, in build");
});
