import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { testRuns } from "../test-runs.fixture.ts";
import { labelsOf } from "./decide-lease.ts";
import { decideSupersede } from "./decide-task.ts";
import { evolve, evolveAll } from "./evolve.ts";
import type { TaskState } from "./model.ts";
import { jobScope } from "./scope.ts";
import { job, pipeline, TaskUnderTest } from "./task.fixture.ts";

test("events that are applied together give what they give one by one, and the state before them stays as it was", () => {
  const task = new TaskUnderTest(
    pipeline([
      job("plan"),
      job("deploy", { needs: ["plan"], each: "${{ needs.plan.outputs.targets }}" }),
      job("after", { needs: ["deploy"] }),
    ]),
  );
  task.run("plan", "succeeded", { outputs: { targets: ["a", "b"] } });
  task.run("deploy[a]");
  task.run("deploy[b]", "failed");
  const states: TaskState[] = [];
  for (const event of task.events) states.push(evolve(states.at(-1), event));
  const texts = states.map((state) => JSON.stringify(state));
  for (const [at, state] of states.entries())
    assert.deepEqual(evolveAll(state, task.events.slice(at + 1)), states.at(-1), `after event ${at}`);
  assert.deepEqual(
    states.map((state) => JSON.stringify(state)),
    texts,
  );
});

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

  test("20,000 targets from the outputs of a job, and 2,000 from several lists, are refused before any of them is dispatched", () => {
    const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `t${at}`);
    const each = "${{ needs.plan.outputs.targets }}";
    const one = new TaskUnderTest(pipeline([job("plan"), job("deploy", { needs: ["plan"], each })]));
    one.run("plan", "succeeded", { outputs: { targets: names(20_000) } });
    assert.deepEqual([one.state.outcome, one.phase("deploy")], ["errored", "errored"]);
    assert.match(one.state.failure?.why ?? "", /more than 256/);
    assert.ok(!one.kinds("deploy").includes("JobReady"));

    const ids = names(10);
    const clean = job("clean", { each: ["a", "b"] });
    const many = new TaskUnderTest(
      pipeline([job("plan"), ...ids.map((id) => job(id, { needs: ["plan"], each }))], { finally: [clean] }),
    );
    many.run("plan", "succeeded", { outputs: { targets: names(256) } });
    assert.equal(Object.keys(many.state.jobs).length, 1 + 7 * 256 + 3);
    assert.deepEqual([many.phase("t6[t255]"), many.phase("t7"), many.phase("t9")], ["ready", "errored", "errored"]);
    assert.match(many.state.jobs.t7?.failure?.why ?? "", /with its 256 jobs the task has more than 2000/);
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
  test("labels may come from the outputs of an earlier job", () => {
    const first = job("first", { outputs: { gpu: "x" } });
    const build = job("build", { needs: ["first"], labels: ["${{ needs.first.outputs.gpu }}"] });
    const task = new TaskUnderTest(pipeline([first, build]));
    assert.equal(task.state.expanded.build, undefined, "not known yet");
    task.run("first", "succeeded", { outputs: { gpu: "a100" } });
    const labels = Object.values(task.state.jobs).map((one) => labelsOf(task.pipeline, one));
    assert.deepEqual(labels, [[], ["a100"]]);
  });

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
    assert.match(task.state.failure?.why ?? "", /not a label/);
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
    { numRuns: testRuns(500) },
  );
});
