import assert from "node:assert/strict";
import { test } from "node:test";
import { job, pipeline, TaskUnderTest } from "@gantry/core/task/task.fixture.ts";
import { jobSpec as jobSpecSchema } from "@gantry/wire/runner/protocol.ts";
import { jobSpec } from "./job-spec.ts";

test("a runner receives the origin of the pipeline, and the app's record as it was when the task was requested", () => {
  for (const origin of ["platform", "app"] as const) {
    const task = new TaskUnderTest({ ...pipeline([job("build")]), origin });
    const received = jobSpecSchema.parse(jobSpec({ state: task.state, pipeline: task.pipeline, version: 1 }, "build"));
    assert.deepEqual(received.definition, { origin, app: task.pipeline.app });
    assert.deepEqual(received.scope.app, task.state.appScope);
  }
  const old = new TaskUnderTest(pipeline([job("build")]));
  assert.equal(jobSpec({ state: old.state, pipeline: old.pipeline, version: 1 }, "build").definition, undefined);
});

test("a runner gets the retry of a step, in full", () => {
  const retry = {
    max: 3,
    delayMs: 5_000,
    on: ["failed" as const, "timed-out" as const],
    exitCodes: [1, 75],
    errors: ["conflict"],
    backoff: "exponential" as const,
    maxDelayMs: 120_000,
  };
  const action = { kind: "run" as const, run: "make", shell: "sh" as const, workingDirectory: undefined };
  const step = { id: "make", title: "Make", when: undefined, timeoutMs: undefined, env: {}, action };
  const steps = [
    { ...step, retry },
    { ...step, id: "other" },
  ];
  const task = new TaskUnderTest(pipeline([job("build", { steps })]));
  const spec = jobSpec({ state: task.state, pipeline: task.pipeline, version: 1 }, "build");
  const received = jobSpecSchema.parse(JSON.parse(JSON.stringify(spec)));
  assert.deepEqual(
    received.steps.map((one) => one.retry),
    [retry, undefined],
  );
});
