// What lists say about a task: how far it is, and where it failed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { job, pipeline, TaskUnderTest } from "@gantry/core/task/task.fixture.ts";
import { taskSummary } from "./view.ts";

test("skipped steps are counted apart from steps that succeeded", () => {
  const task = new TaskUnderTest(
    pipeline([job("build"), job("scan", { needs: ["build"] }), job("deploy", { needs: ["scan"] })]),
  );
  task.run("build", "failed");
  const { stepsDone, stepsSucceeded, stepsSkipped, stepsTotal } = taskSummary(task.state, task.pipeline);
  assert.deepEqual([stepsDone, stepsSucceeded, stepsSkipped, stepsTotal], [3, 0, 3, 3]);
});

test("the headline of a failed task names every place that failed", () => {
  const task = new TaskUnderTest(pipeline([job("deploy", { each: "${{ params.targets }}" })]), {
    params: { targets: ["seoul", "tokyo", "oslo", "lima"] },
  });
  const failure = { code: "gate-failed", message: "The app is Degraded." } as const;
  task.run("deploy[seoul]", "failed", { failure });
  task.run("deploy[tokyo]");
  task.run("deploy[oslo]", "timed-out");
  task.run("deploy[lima]");
  const { headline, failedAt } = taskSummary(task.state, task.pipeline);
  assert.equal(headline, "Run test failed at deploy[seoul] and deploy[oslo] after 0.0 s. The app is Degraded.");
  assert.deepEqual(failedAt, { job: "deploy[seoul]" });
  const end = task.events.at(-1);
  assert.equal(end?.kind === "TaskEnded" && end.headline, headline);
});

test("the headline counts the places that failed when there are many", () => {
  const targets = Array.from({ length: 48 }, (_, at) => `c${at}`);
  const task = new TaskUnderTest(pipeline([job("deploy", { each: "${{ params.targets }}" })]), { params: { targets } });
  for (const target of targets) task.run(`deploy[${target}]`, "failed");
  assert.match(
    taskSummary(task.state, task.pipeline).headline,
    /^Run test failed at deploy\[c0\], deploy\[c1\] and 46 more jobs after 0\.0 s\./,
  );
});
