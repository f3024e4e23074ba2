// What people see of a step whose runner was lost while it ran, and of a job that a person has decided about.

import assert from "node:assert/strict";
import { test } from "node:test";
import { job, pipeline, scriptStep, TaskUnderTest } from "@gantry/core/task/task.fixture.ts";
import { iso } from "./iso.ts";
import { taskView } from "./view.ts";

const [STARTED, LOST] = [2_000, 120_000];

/** `push` of three steps was running when the runner was lost. */
function interrupted({ retrySafe = false } = {}): TaskUnderTest {
  const steps = [scriptStep("edit"), scriptStep("push"), scriptStep("sync")];
  const task = new TaskUnderTest(pipeline([job("deploy", { retrySafe, steps })]));
  const who = task.claim("deploy");
  task.start(who);
  task.now = STARTED;
  task.progress(who, 1, [
    { kind: "step-started", step: "edit" },
    { kind: "step-ended", step: "edit", outcome: "succeeded", durationMs: 5 },
    { kind: "step-started", step: "push" },
    { kind: "step-waiting", step: "push", reason: "the branch is locked", retryAfterMs: 5_000 },
  ]);
  task.now = LOST;
  task.lose(who);
  return task;
}

function stepsOf(task: TaskUnderTest) {
  const view = taskView(task.state, task.pipeline, 1, { silentSince: () => undefined });
  return { view, steps: view.jobs[0]?.steps ?? [] };
}

test("a step does not stay running, and its clock stops, when its job is held", () => {
  const { view, steps } = stepsOf(interrupted());
  assert.deepEqual(
    steps.map(({ state }) => state),
    ["succeeded", "held", "queued"],
  );
  const [, push] = steps;
  assert.deepEqual([push?.startedAt, push?.endedAt, push?.durationMs], [iso(STARTED), iso(LOST), LOST - STARTED]);
  assert.equal(push?.waiting, undefined, "it waits for nothing any more");
  assert.equal(push?.reason, "Its runner r1 was lost while it ran.");
  assert.match(view.headline, /^Run test is held\. /);
});

test("a step does not stay running when its job is given to another runner", () => {
  const { view, steps } = stepsOf(interrupted({ retrySafe: true }));
  assert.deepEqual(
    steps.map(({ state, endedAt }) => [state, endedAt]),
    [
      ["succeeded", iso(STARTED)],
      ["errored", iso(LOST)],
      ["queued", undefined],
    ],
  );
  assert.equal(view.headline, "Run test is running.");
});

test("after mark done, the task and every step that did not run say who decided", () => {
  const task = interrupted();
  task.now = 200_000;
  task.resolve("deploy", "mark-done", "the pods run");
  const { view, steps } = stepsOf(task);
  assert.equal(view.state, "succeeded");
  assert.match(view.headline, /succeeded after 3 m 19 s\. ops marked deploy as done: the pods run\.$/);
  assert.deepEqual(
    steps.map(({ state, reason, endedAt }) => [state, reason, endedAt]),
    [
      ["succeeded", undefined, iso(STARTED)],
      ["succeeded", "ops marked the job as done: the pods run.", iso(LOST)],
      ["skipped", "Not run: ops marked the job as done: the pods run.", undefined],
    ],
  );
});

test("the interrupted step of a job that a person ended as failed shows that", () => {
  const task = interrupted();
  task.resolve("deploy", "fail");
  const { view, steps } = stepsOf(task);
  assert.deepEqual([view.state, view.failedAt], ["failed", { job: "deploy", step: "push" }]);
  assert.deepEqual(
    steps.map(({ state, reason }) => [state, reason]),
    [
      ["succeeded", undefined],
      ["failed", "ops ended the job as failed."],
      ["skipped", "Not run: ops ended the job as failed."],
    ],
  );
});

test("a canceled step whose runner never answered is canceled, and its clock has stopped", () => {
  const task = interrupted();
  task.cancel();
  const { steps } = stepsOf(task);
  assert.deepEqual(
    steps.map(({ state }) => state),
    ["succeeded", "canceled", "canceled"],
  );
  assert.equal(steps[1]?.endedAt, iso(LOST));
});

test("when the job runs again, nothing of the decision is left", () => {
  const task = interrupted();
  task.resolve("deploy", "run-again");
  task.run("deploy");
  const { view, steps } = stepsOf(task);
  assert.deepEqual(
    steps.map(({ reason }) => reason),
    [undefined, undefined, undefined],
  );
  assert.doesNotMatch(view.headline, /ops/);
});
