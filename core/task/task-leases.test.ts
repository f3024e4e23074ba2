import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { job, pipeline, TaskUnderTest } from "./task.fixture.ts";

describe("leases and fences", () => {
  test("of two runners that claim the same job one wins, and the other changes nothing", () => {
    const task = new TaskUnderTest(pipeline([job("build")]));
    const first = task.claim("build", "r1");
    const before = task.state;
    task.claim("build", "r2");
    assert.equal(task.refusal()?.code, "offer-gone");
    assert.equal(task.state, before);
    assert.ok(task.holds(first));
  });

  test("a job that never started is given away without a charge; its old holder may change nothing", () => {
    const task = new TaskUnderTest(pipeline([job("build")]));
    const old = task.claim("build", "r1");
    task.lose(old);
    assert.equal(task.phase("build"), "ready");
    const fresh = task.claim("build", "r2");
    for (const attempt of [() => task.start(old), () => task.report(old, "succeeded")]) {
      attempt();
      assert.equal(task.refusal()?.code, "lease-lost");
    }
    task.start(fresh);
    task.report(fresh, "succeeded");
    assert.equal(task.state.outcome, "succeeded");
  });

  test("a job that started and is not retrySafe is held; a person says what happens", () => {
    for (const [answer, outcome] of [
      ["run-again", undefined],
      ["mark-done", "succeeded"],
      ["fail", "failed"],
    ] as const) {
      const task = new TaskUnderTest(pipeline([job("deploy", { retrySafe: false })]));
      const who = task.claim("deploy");
      task.start(who);
      task.lose(who);
      assert.equal(task.phase("deploy"), "held");
      task.resolve("deploy", answer);
      assert.equal(task.state.outcome, outcome);
      if (answer === "run-again") assert.equal(task.phase("deploy"), "ready");
    }
  });

  test("a retrySafe job is given away twice by itself, the third time it is held", () => {
    const task = new TaskUnderTest(pipeline([job("deploy")]));
    for (const expected of ["ready", "ready", "held"]) {
      const who = task.claim("deploy");
      task.start(who);
      task.lose(who);
      assert.equal(task.phase("deploy"), expected);
    }
  });

  test("an errored attempt is tried again as often as `retry` says, after its delay; a failed one never", () => {
    const errored = new TaskUnderTest(pipeline([job("build", { retry: { max: 1, delayMs: 500 } })]));
    errored.run("build", "errored");
    assert.equal(errored.state.jobs.build?.notBefore, 1_500);
    errored.run("build", "errored");
    assert.equal(errored.state.outcome, "errored");
    const failed = new TaskUnderTest(pipeline([job("build", { retry: { max: 1, delayMs: 500 } })]));
    failed.run("build", "failed");
    assert.equal(failed.state.outcome, "failed");
  });

  test("repeats are answered as the first time; another end of the same attempt is refused", () => {
    const task = new TaskUnderTest(pipeline([job("build"), job("next", { needs: ["build"] })]));
    const who = task.claim("build");
    task.decide({ events: [] });
    task.start(who);
    task.start(who);
    task.progress(who, 1, [{ kind: "step-started", step: "only" }]);
    task.progress(who, 1, [
      { kind: "step-started", step: "only" },
      { kind: "step-ended", step: "only", outcome: "succeeded", durationMs: 3 },
    ]);
    task.report(who, "succeeded");
    const facts = task.events.length;
    task.report(who, "succeeded", { progress: 2 });
    assert.equal(task.refusal(), undefined);
    assert.equal(task.events.length, facts);
    task.report(who, "failed", { progress: 2 });
    assert.equal(task.refusal()?.code, "report-differs");
    assert.equal(task.phase("build"), "succeeded");
  });

  test("a gap in the progress is refused, so nothing is shown out of order", () => {
    const task = new TaskUnderTest(pipeline([job("build")]));
    const who = task.claim("build");
    task.start(who);
    task.progress(who, 2, [{ kind: "step-started", step: "only" }]);
    assert.equal(task.refusal()?.code, "conflict");
    task.report(who, "succeeded", { progress: 1 });
    assert.equal(task.refusal()?.code, "conflict");
  });
});

describe("a runner that was cut off and stopped the work by itself", () => {
  const CUT_OFF = { failure: { code: "lease-lost", message: "The task-agent was not heard." } };

  test("what is retrySafe runs again at once and uncharged, the rest is held; the same word again changes nothing", () => {
    for (const retrySafe of [true, false]) {
      const task = new TaskUnderTest(pipeline([job("deploy", { retrySafe })]));
      const who = task.claim("deploy");
      task.start(who);
      task.report(who, "errored", CUT_OFF);
      assert.equal(task.phase("deploy"), retrySafe ? "ready" : "held");
      assert.equal(task.state.jobs.deploy?.charged, 0);
      const facts = task.events.length;
      task.report(who, "errored", CUT_OFF);
      assert.deepEqual([task.refusal(), task.events.length], [undefined, facts]);
    }
  });

  test("a canceled job that stopped so is canceled, and confirmed", () => {
    const task = new TaskUnderTest(pipeline([job("deploy")]));
    const who = task.claim("deploy");
    task.start(who);
    task.cancel();
    task.report(who, "errored", CUT_OFF);
    assert.deepEqual([task.state.outcome, task.state.jobs.deploy?.failure], ["canceled", undefined]);
  });
});

describe("what comes late", () => {
  test("a report of an attempt that was given up is kept beside it, decides nothing, and is kept once", () => {
    const task = new TaskUnderTest(pipeline([job("deploy", { retrySafe: false })]));
    const who = task.claim("deploy");
    task.start(who);
    task.lose(who);
    task.late(who, "succeeded", { outputs: { commit: "c1" } });
    assert.equal(task.phase("deploy"), "held");
    assert.equal(task.state.jobs.deploy?.attempts[0]?.late?.outcome, "succeeded");
    const facts = task.events.length;
    task.late(who, "failed");
    task.late({ ...who, fence: who.fence + 1 }, "failed");
    assert.equal(task.events.length, facts);
    task.resolve("deploy", "mark-done");
    assert.deepEqual(task.state.jobs.deploy?.outputs, { commit: "c1" }, "a person goes by what came late");
  });

  test("it is kept even when the task has ended, and changes no outcome", () => {
    const task = new TaskUnderTest(pipeline([job("build")]));
    const old = task.claim("build", "r1");
    task.start(old);
    task.lose(old);
    task.run("build", "failed");
    const ended = task.state;
    task.late(old, "succeeded");
    assert.equal(task.state.jobs.build?.attempts[0]?.late?.outcome, "succeeded");
    assert.deepEqual([task.state.outcome, task.state.endedAt], [ended.outcome, ended.endedAt]);
  });

  test("a canceled job whose runner never answered has that as its reason", () => {
    const task = new TaskUnderTest(pipeline([job("build")]));
    const who = task.claim("build");
    task.start(who);
    task.cancel();
    task.lose(who);
    assert.equal(task.state.outcome, "canceled");
    assert.equal(task.state.jobs.build?.failure?.code, "cancel-unconfirmed");
  });
});
