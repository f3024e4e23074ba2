import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { labelsOf } from "./decide-lease.ts";
import { decideSupersede } from "./decide-task.ts";
import { isCanceled } from "./decision.ts";
import { evolve } from "./evolve.ts";
import type { TaskState } from "./model.ts";
import { jobScope } from "./scope.ts";
import { job, pipeline, TaskUnderTest } from "./task.fixture.ts";

describe("the order of jobs", () => {
  test("a job without needs is ready at once, the next one when its need has succeeded", () => {
    const task = new TaskUnderTest(pipeline([job("build"), job("deploy", { needs: ["build"] })]));
    assert.deepEqual([task.phase("build"), task.phase("deploy")], ["ready", "pending"]);
    task.run("build");
    assert.equal(task.phase("deploy"), "ready");
    task.run("deploy");
    assert.equal(task.state.outcome, "succeeded");
  });

  test("what needs a failed job is skipped and says because of whom; the task fails there", () => {
    const task = new TaskUnderTest(
      pipeline([job("build"), job("deploy", { needs: ["build"] }), job("after", { needs: ["deploy"] })]),
    );
    task.run("build", "failed", {
      failure: { code: "script-failed", message: "The script ended with exit code 1.", line: "not ok 2" },
    });
    assert.deepEqual(
      [task.phase("build"), task.phase("deploy"), task.phase("after")],
      ["failed", "skipped", "skipped"],
    );
    assert.match(task.state.jobs.deploy?.waiting?.text ?? "", /because build did not succeed/);
    assert.equal(task.state.outcome, "failed");
    assert.deepEqual(task.state.failedAt, { job: "build" });
    const end = task.events.at(-1);
    assert.equal(
      end?.kind === "TaskEnded" && end.headline,
      "Run test failed at build after 0.0 s. The script ended with exit code 1. not ok 2",
    );
  });

  test("`when` sees status and outputs; a job skipped by its own condition blocks no other job", () => {
    const task = new TaskUnderTest(
      pipeline([
        job("check", { outputs: { go: "${{ 1 }}" } }),
        job("optional", { needs: ["check"], when: 'needs.check.outputs.go == "yes"' }),
        job("rest", { needs: ["optional"] }),
        job("rescue", { needs: ["check"], when: 'status == "failed"' }),
      ]),
    );
    task.run("check", "succeeded", { outputs: { go: "no" } });
    assert.deepEqual(
      [task.phase("optional"), task.phase("rest"), task.phase("rescue")],
      ["skipped", "ready", "skipped"],
    );
  });

  test("`each` makes one job per element, as soon as the list is known", () => {
    const task = new TaskUnderTest(
      pipeline([
        job("plan"),
        job("deploy", { needs: ["plan"], each: "${{ needs.plan.outputs.targets }}", site: "${{ each.site }}" }),
      ]),
    );
    assert.equal(task.state.expanded.deploy, undefined);
    task.run("plan", "succeeded", {
      outputs: {
        targets: [
          { name: "a", site: "seoul" },
          { name: "b", site: "tokyo" },
        ],
      },
    });
    assert.deepEqual(task.state.expanded.deploy, ["deploy[a]", "deploy[b]"]);
    assert.equal(task.state.jobs["deploy[b]"]?.site, "tokyo");
    task.run("deploy[a]");
    task.run("deploy[b]", "failed");
    assert.equal(task.state.outcome, "failed");
    assert.deepEqual(task.state.failedAt, { job: "deploy[b]" });
  });

  test("an `each` that cannot be evaluated ends the task errored, with the expression named", () => {
    const task = new TaskUnderTest(pipeline([job("deploy", { each: "${{ params.nothing }}" })]));
    assert.equal(task.state.outcome, "errored");
    assert.equal(task.state.failure?.code, "expression-failed");
  });

  test("an `each` over an empty list is a skipped job with that reason, and blocks no other job", () => {
    const task = new TaskUnderTest(
      pipeline([job("deploy", { each: "${{ params.targets }}" }), job("after", { needs: ["deploy"] })], {
        outputs: { all: "${{ jobs.deploy.each.map(d, d.each.name) }}" },
      }),
      { params: { targets: [] } },
    );
    assert.equal(task.phase("deploy"), "skipped");
    assert.match(task.state.jobs.deploy?.waiting?.text ?? "", /empty list/);
    task.run("after");
    assert.deepEqual([task.state.outcome, task.state.outputs], ["succeeded", { all: [] }]);
  });

  test("`finally` runs after success, failure and cancel, and cancel does not stop it", () => {
    for (const how of ["succeeded", "failed", "canceled"] as const) {
      const task = new TaskUnderTest(pipeline([job("main")], { finally: [job("clean")] }));
      if (how === "canceled") task.cancel();
      else task.run("main", how);
      assert.equal(task.state.phase, "finalizing");
      task.run("clean");
      assert.equal(task.state.outcome, how);
    }
  });
});

describe("the status that a job sees", () => {
  test("steps in `finally` see how the task went, also as part of a rescue job", () => {
    for (const how of ["succeeded", "failed", "errored", "timed-out", "canceled"] as const) {
      const task = new TaskUnderTest(
        pipeline([job("main")], { finally: [job("clean"), job("last", { needs: ["clean"] })] }),
      );
      if (how === "canceled") task.cancel();
      else task.run("main", how);
      const status = how === "succeeded" || how === "canceled" ? how : "failed";
      assert.equal(jobScope(task.pipeline, task.state, "clean", task.state.jobs.clean).status, status);
      task.run("clean");
      assert.equal(jobScope(task.pipeline, task.state, "last", task.state.jobs.last).status, status);
    }
  });

  test("a rescue job sees that what it needs has failed, and a job beside it does not", () => {
    const task = new TaskUnderTest(
      pipeline([job("main"), job("other"), job("rescue", { needs: ["main"], when: 'status == "failed"' })]),
    );
    task.run("main", "failed");
    assert.equal(jobScope(task.pipeline, task.state, "rescue", task.state.jobs.rescue).status, "failed");
    assert.equal(jobScope(task.pipeline, task.state, "other", task.state.jobs.other).status, "succeeded");
  });
});

describe("a newer task of the same group", () => {
  test("cancels a task that runs or waits, once, and names itself as the reason", () => {
    for (const behind of [undefined, "t0"]) {
      const task = new TaskUnderTest(pipeline([job("main")]), behind === undefined ? {} : { behind });
      task.decide(decideSupersede(task.state, { task: "t2", by: "ann" }, task.now));
      task.decide(decideSupersede(task.state, { task: "t3", by: "ann" }, task.now));
      assert.equal(task.state.outcome, "canceled");
      assert.deepEqual(
        { ...task.state.cancel, at: 0 },
        { by: "ann", at: 0, reason: "The newer task t2 of the same concurrency group replaces it." },
      );
      assert.equal(task.kinds().filter((kind) => kind === "TaskCancelRequested").length, 1);
    }
  });

  test("does not touch a task that has ended or is being canceled", () => {
    const task = new TaskUnderTest(pipeline([job("main")], { finally: [job("clean")] }));
    task.cancel();
    const before = task.state;
    task.decide(decideSupersede(task.state, { task: "t2", by: "ann" }, task.now));
    assert.equal(task.state, before);
    task.run("clean");
    const ended = task.state;
    task.decide(decideSupersede(task.state, { task: "t2", by: "ann" }, task.now));
    assert.equal(task.state, ended);
    assert.equal(task.refusal(), undefined);
  });
});

describe("labels", () => {
  test("expressions in `labels` are filled in, for every element", () => {
    const task = new TaskUnderTest(
      pipeline([job("build", { labels: ["linux", "${{ params.gpu }}", "${{ each }}"], each: ["arm64", "amd64"] })]),
      { params: { gpu: "a100" } },
    );
    const labels = Object.values(task.state.jobs).map((one) => labelsOf(task.pipeline, one));
    assert.deepEqual(labels, [
      ["linux", "a100", "arm64"],
      ["linux", "a100", "amd64"],
    ]);
  });

  test("an expression that gives no label ends the job instead of waiting for a runner without end", () => {
    const task = new TaskUnderTest(pipeline([job("build", { labels: ["${{ params.gpu }}"] })]), {
      params: { gpu: "" },
    });
    assert.equal(task.state.outcome, "errored");
    assert.match(task.state.failure?.why ?? "", /no label/);
  });
});

describe("retry", () => {
  const ON_FAILED = { max: 2, delayMs: 500, on: ["failed"] as const, exitCodes: [1] };
  const exit = (exitCode: number) => ({ failure: { code: "script-failed", message: "It failed.", exitCode } });

  test("a script that exits 1 is tried again, as often as `max` says", () => {
    const task = new TaskUnderTest(pipeline([job("test", { retry: ON_FAILED })]));
    for (const phase of ["ready", "ready", "failed"]) {
      task.run("test", "failed", { ...exit(1), digest: `${task.state.jobs.test?.attempt}` });
      assert.equal(task.phase("test"), phase);
    }
    assert.equal(task.state.jobs.test?.attempts.length, 3);
  });

  test("another exit code ends the job at once", () => {
    const task = new TaskUnderTest(pipeline([job("test", { retry: ON_FAILED })]));
    task.run("test", "failed", exit(2));
    assert.equal(task.state.outcome, "failed");
  });

  test("a job of `finally` is tried again after a cancel as well", () => {
    const task = new TaskUnderTest(pipeline([job("main")], { finally: [job("clean", { retry: ON_FAILED })] }));
    task.cancel();
    task.run("clean", "failed", exit(1));
    assert.equal(task.phase("clean"), "ready");
  });
});

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

test("property: the state stays consistent, for any commands in any order", () => {
  const definition = pipeline(
    [
      job("a"),
      job("b", { needs: ["a"], retrySafe: false }),
      job("c", { needs: ["a"], retry: { max: 1, delayMs: 0 } }),
      job("d", { needs: ["b", "c"], when: "always" }),
    ],
    { finally: [job("z")] },
  );
  const keys = ["a", "b", "c", "d", "z"];
  const action = fc.record({
    verb: fc.constantFrom("claim", "start", "report", "lose", "cancel", "resolve", "stale"),
    key: fc.constantFrom(...keys),
    outcome: fc.constantFrom(
      "succeeded" as const,
      "failed" as const,
      "errored" as const,
      "timed-out" as const,
      "canceled" as const,
    ),
    answer: fc.constantFrom("run-again" as const, "mark-done" as const, "fail" as const),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const task = new TaskUnderTest(definition);
      for (const { verb, key, outcome, answer } of actions) {
        const before = task.state;
        const who = task.claimant(key);
        if (verb === "claim") task.claim(key);
        else if (verb === "start") task.start(who);
        else if (verb === "report") task.report(who, outcome);
        else if (verb === "lose") task.lose(who);
        else if (verb === "cancel") task.cancel();
        else if (verb === "resolve") task.resolve(key, answer);
        else task.report({ ...who, fence: who.fence - 1 }, outcome);
        if (verb === "stale" || task.refusal()) assert.equal(task.state, before, "a refusal changes nothing");
        for (const one of keys) {
          const [was, is] = [before.jobs[one], task.state.jobs[one]];
          if (was?.outcome) assert.equal(is?.outcome, was.outcome, "the first end is final");
          assert.ok((is?.fence ?? 0) >= (was?.fence ?? 0), "fences only grow");
          assert.ok(
            (is?.attempts.filter((attempt) => attempt.endedAt === undefined).length ?? 0) <= 1,
            "one live attempt",
          );
        }
      }
      const replayed = task.events.reduce<TaskState | undefined>(evolve, undefined);
      assert.deepEqual(replayed, task.state, "the events give the state");
    }),
    { numRuns: 500 },
  );
});
