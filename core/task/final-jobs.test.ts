// `finally` as a graph: jobs that run after all others, in an order of their own. Rows A4 and A8.

import assert from "node:assert/strict";
import { test } from "node:test";
import { job, pipeline, TaskUnderTest } from "./task.fixture.ts";

const phases = (task: TaskUnderTest, keys: readonly string[]): readonly string[] => keys.map((key) => task.phase(key));

test("jobs of finally run in the order of their needs, whatever the outcome before (A4, A8)", () => {
  const last = [
    job("collect"),
    job("report", { needs: ["collect"], env: { WHY: "${{ needs.collect.outcome }}" } }),
    job("clean"),
    job("close", { needs: ["report", "clean"] }),
  ];
  const task = new TaskUnderTest(pipeline([job("build"), job("deploy", { needs: ["build"] })], { finally: last }));
  task.run("build", "failed");
  const keys = ["deploy", "collect", "report", "clean", "close"];
  assert.deepEqual(phases(task, keys), ["skipped", "ready", "pending", "ready", "pending"]);
  task.run("collect", "failed");
  assert.deepEqual(
    phases(task, keys),
    ["skipped", "failed", "ready", "ready", "pending"],
    "a failure stops no clean-up",
  );
  task.run("report");
  assert.equal(task.phase("close"), "pending");
  task.run("clean");
  assert.equal(task.phase("close"), "ready");
  task.run("close");
  assert.deepEqual([task.state.outcome, task.state.failedAt?.job], ["failed", "build"]);
});

test("a condition of a job of finally sees how the one before it ended", () => {
  const last = [
    job("save"),
    job("warn", { needs: ["save"], when: 'needs.save.outcome == "failed" && status != "canceled"' }),
  ];
  const task = new TaskUnderTest(pipeline([job("build")], { finally: last }));
  task.run("build");
  task.run("save", "failed");
  assert.equal(task.phase("warn"), "ready");
});

test("after a cancel, jobs of finally run in their order; a second cancel stops those that have not started", () => {
  const last = [job("a"), job("b", { needs: ["a"] }), job("c", { needs: ["b"] })];
  const task = new TaskUnderTest(pipeline([job("build")], { finally: last }));
  task.cancel();
  assert.deepEqual(phases(task, ["build", "a", "b"]), ["canceled", "ready", "pending"]);
  task.run("a");
  task.now += 10_000;
  task.cancel();
  assert.deepEqual(phases(task, ["b", "c"]), ["canceled", "canceled"]);
  assert.equal(task.state.outcome, "canceled");
});

test("a list from a job is used by finally although another job failed", () => {
  const clean = job("clean", { each: "${{ jobs.plan.outputs.targets }}", site: "${{ each.site }}" });
  const task = new TaskUnderTest(pipeline([job("plan"), job("deploy", { needs: ["plan"] })], { finally: [clean] }));
  task.run("plan", "succeeded", {
    outputs: {
      targets: [
        { name: "a", site: "seoul" },
        { name: "b", site: "tokyo" },
      ],
    },
  });
  task.run("deploy", "failed");
  assert.deepEqual(task.state.expanded.clean, ["clean[a]", "clean[b]"]);
  assert.deepEqual([task.phase("clean[a]"), task.state.jobs["clean[b]"]?.site], ["ready", "tokyo"]);
});

test("a list that a failed job did not give is an error of the job of finally, which never waits for a runner nowhere", () => {
  const clean = job("clean", { each: "${{ jobs.plan.outputs.targets }}", site: "${{ each.site }}" });
  const task = new TaskUnderTest(pipeline([job("plan")], { finally: [clean] }));
  task.run("plan", "failed");
  assert.equal(task.phase("clean"), "errored");
  assert.match(task.state.jobs.clean?.failure?.why ?? "", /targets/);
  assert.equal(task.state.outcome, "failed");
});

test("a job that runs also after a failure gets its list as far as it is known", () => {
  const each = "${{ needs.plan.outputs.?targets.orValue(['none']) }}";
  const rescue = job("rescue", { needs: ["plan"], each, site: "${{ each }}", when: 'status == "failed"' });
  const skipped = job("skipped", { needs: ["plan"], each, site: "${{ each }}" });
  const missing = "${{ needs.plan.outputs.targets }}";
  const notNow = job("notNow", { needs: ["plan"], each: missing, when: 'status != "failed"' });
  const task = new TaskUnderTest(pipeline([job("plan"), rescue, skipped, notNow]));
  task.run("plan", "failed");
  assert.deepEqual(phases(task, ["rescue[none]", "skipped", "notNow"]), ["ready", "skipped", "skipped"]);
  assert.equal(task.state.jobs["rescue[none]"]?.site, "none");
});
