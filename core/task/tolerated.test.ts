// `continueOnError` of jobs. Rows A8 and B3.

import assert from "node:assert/strict";
import { test } from "node:test";
import { job, pipeline, TaskUnderTest } from "./task.fixture.ts";

const exit = { failure: { code: "script-failed", message: "The script ended with exit code 1." } };

test("a job that may fail stays failed in the record, and the task goes on and succeeds (A8)", () => {
  const task = new TaskUnderTest(
    pipeline(
      [
        job("lint", { continueOnError: true }),
        job("deploy", { needs: ["lint"] }),
        job("tell", { needs: ["lint"], when: 'needs.lint.outcome == "failed"' }),
      ],
      { outputs: { lint: "${{ jobs.lint.outcome }}" } },
    ),
  );
  task.run("lint", "failed", exit);
  assert.deepEqual(
    ["lint", "deploy", "tell"].map((key) => task.phase(key)),
    ["failed", "ready", "ready"],
  );
  task.run("deploy");
  task.run("tell");
  assert.deepEqual(
    [task.state.outcome, task.state.failedAt, task.state.outputs],
    ["succeeded", undefined, { lint: "failed" }],
  );
  const end = task.events.at(-1);
  assert.equal(
    end?.kind === "TaskEnded" && end.headline,
    "Run test succeeded after 0.0 s. Tolerated by continueOnError: lint.",
  );
});

test("another failure is named as the reason, and not the one that was allowed", () => {
  const task = new TaskUnderTest(pipeline([job("lint", { continueOnError: true }), job("build")]));
  task.run("lint", "failed", exit);
  task.run("build", "failed", exit);
  assert.deepEqual([task.state.outcome, task.state.failedAt?.job], ["failed", "build"]);
});

test("an expression says which combinations may fail; failFast does not count them (A4, A8)", () => {
  const test = job("t", {
    matrix: { os: ["linux", "bsd"] },
    matrixInclude: [{ os: "bsd", experimental: true }],
    continueOnError: "${{ each.?experimental.orValue(false) }}",
    failFast: true,
  });
  const task = new TaskUnderTest(pipeline([test]));
  task.run("t[bsd]", "timed-out");
  assert.equal(task.phase("t[linux]"), "ready");
  task.run("t[linux]");
  assert.equal(task.state.outcome, "succeeded");

  const other = new TaskUnderTest(pipeline([test]));
  other.run("t[linux]", "failed", exit);
  assert.deepEqual([other.phase("t[bsd]"), other.state.outcome], ["canceled", "failed"]);
});

test("a job that may fail is tried as often as `retry` says; a cancel of its task is none of its failures", () => {
  const retry = { max: 1, delayMs: 0, on: ["failed"] as const };
  const task = new TaskUnderTest(
    pipeline([job("lint", { continueOnError: true, retry }), job("next", { needs: ["lint"] })]),
  );
  task.run("lint", "failed", exit);
  assert.equal(task.phase("lint"), "ready");
  task.cancel();
  assert.deepEqual([task.phase("lint"), task.phase("next"), task.state.outcome], ["canceled", "canceled", "canceled"]);
});
