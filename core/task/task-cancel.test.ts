import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isCanceled } from "./decision.ts";
import { job, pipeline, TaskUnderTest } from "./task.fixture.ts";

describe("a cancel while `finally` runs", () => {
  test("stops its jobs, whether or not the task had been canceled before", () => {
    for (const first of ["succeeded", "failed", "canceled"] as const) {
      const finals = [job("clean"), job("last", { needs: ["clean"] })];
      const task = new TaskUnderTest(pipeline([job("main")], { finally: finals }));
      if (first === "canceled") task.cancel();
      else task.run("main", first);
      const who = task.claim("clean");
      task.start(who);
      task.now += 10_000;
      task.cancel();
      assert.ok(isCanceled(task.state, { final: true }));
      task.report(who, "canceled");
      assert.deepEqual([task.phase("clean"), task.phase("last")], ["canceled", "canceled"]);
      assert.equal(task.state.outcome, first === "failed" ? "failed" : "canceled");
    }
  });

  test("a second click at once does not stop the clean-up", () => {
    const task = new TaskUnderTest(pipeline([job("main")], { finally: [job("clean")] }));
    task.cancel();
    const before = task.state;
    task.now += 1_000;
    task.cancel();
    assert.equal(task.state, before);
  });

  test("a runner that is lost meanwhile does not keep the task from ending", () => {
    const task = new TaskUnderTest(pipeline([job("main")], { finally: [job("clean")] }));
    task.run("main");
    const who = task.claim("clean");
    task.start(who);
    task.cancel();
    task.lose(who);
    assert.equal(task.state.outcome, "canceled");
  });
});

describe("cancel", () => {
  test("what has not begun never will; what runs is ended by its runner's report", () => {
    const task = new TaskUnderTest(pipeline([job("a"), job("b"), job("c", { needs: ["a"] })]));
    const who = task.claim("a");
    task.start(who);
    task.cancel();
    assert.deepEqual([task.phase("a"), task.phase("b"), task.phase("c")], ["leased", "canceled", "canceled"]);
    task.report(who, "canceled");
    assert.equal(task.state.outcome, "canceled");
  });

  test("a claimed job that was not started yet may not start any more", () => {
    const task = new TaskUnderTest(pipeline([job("a")]));
    const who = task.claim("a");
    task.cancel();
    task.start(who);
    assert.equal(task.refusal()?.code, "lease-lost");
  });

  test("a job that succeeded all the same stays succeeded, and so does the task", () => {
    const task = new TaskUnderTest(pipeline([job("a")]));
    const who = task.claim("a");
    task.start(who);
    task.cancel();
    task.report(who, "succeeded");
    assert.equal(task.state.outcome, "succeeded");
  });

  test("asked for again after the end, it gets the same answer, unless the task succeeded all the same", () => {
    for (const outcome of ["succeeded", "failed", "canceled"] as const) {
      const task = new TaskUnderTest(pipeline([job("a")]));
      const who = task.claim("a");
      task.start(who);
      task.cancel();
      task.report(who, outcome);
      assert.equal(task.state.phase, "ended");
      task.cancel();
      assert.equal(task.refusal()?.code, outcome === "succeeded" ? "already-ended" : undefined, outcome);
    }
  });

  test("after the end it is refused with the real outcome", () => {
    const task = new TaskUnderTest(pipeline([job("a")]));
    task.run("a");
    task.cancel();
    assert.equal(task.refusal()?.code, "already-ended");
    assert.equal(task.refusal()?.details.outcome, "succeeded");
  });
});

describe("a rerun", () => {
  test("keeps what succeeded with its outputs and runs the rest", () => {
    const definition = pipeline([job("build"), job("deploy", { needs: ["build"] })], {
      outputs: { image: "${{ jobs.build.outputs.image }}" },
    });
    const task = new TaskUnderTest(definition, {
      rerunOf: "t0",
      kept: { build: { outputs: { image: "x@1" }, steps: [{ id: "only", outputs: {} }] } },
    });
    assert.equal(task.phase("build"), "succeeded");
    task.run("deploy");
    assert.deepEqual(task.state.outputs, { image: "x@1" });
  });
});
