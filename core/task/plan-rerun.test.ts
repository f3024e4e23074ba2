// What a rerun runs and reuses. Row A23.

import assert from "node:assert/strict";
import { test } from "node:test";
import { keptJobs, planRerun, type RerunOf } from "./plan-rerun.ts";
import { job, pipeline, scriptStep, TaskUnderTest } from "./task.fixture.ts";

const PIPELINE = pipeline(
  [
    job("build"),
    job("lint"),
    job("deploy", { needs: ["build"], each: ["a", "b"] }),
    job("skipped", { needs: ["build"], when: 'needs.build.outcome == "failed"' }),
    job("check", { needs: ["deploy", "skipped"] }),
  ],
  { finally: [job("clean")] },
);

/** Everything succeeded but these. */
function ended(...failed: readonly string[]): TaskUnderTest {
  const task = new TaskUnderTest(PIPELINE);
  for (const key of ["build", "lint", "deploy[a]", "deploy[b]", "check", "clean"])
    if (task.phase(key) === "ready")
      task.run(key, failed.includes(key) ? "failed" : "succeeded", { outputs: { of: key } });
  assert.equal(task.state.phase, "ended");
  return task;
}

function planOf(task: TaskUnderTest, from: RerunOf["from"], after = PIPELINE) {
  const plan = planRerun({ of: task.state, before: PIPELINE, after, from });
  return Object.fromEntries(plan.map(({ key, does, because }) => [key, `${does}: ${because}`]));
}

test("the failed ones run again, with what needs them; the rest is reused with its outputs (A23)", () => {
  const task = ended("deploy[b]");
  assert.deepEqual(planOf(task, "failed"), {
    build: "reuse: it succeeded",
    lint: "reuse: it succeeded",
    "deploy[a]": "reuse: it succeeded",
    "deploy[b]": "run: it ended as failed",
    skipped: "skip: it was skipped by its condition",
    check: "run: it needs deploy[b], which runs again",
    clean: "run: it runs at the end of every task",
  });
  const plan = planRerun({ of: task.state, before: PIPELINE, after: PIPELINE, from: "failed" });
  assert.deepEqual(keptJobs({ of: task.state }, plan)["deploy[a]"]?.outputs, { of: "deploy[a]" });
});

test("what people have approved is never reused: they looked at another task", () => {
  const approval = { question: "Go?", approvers: [], count: 1, notOwn: true, expiresMs: 1_000 };
  const asks = pipeline([
    job("build"),
    job("gate", { needs: ["build"], approval }),
    job("deploy", { needs: ["gate"] }),
  ]);
  const task = new TaskUnderTest(asks);
  task.run("build");
  task.answer("gate", "approve", "kim");
  task.run("gate");
  task.run("deploy", "failed");
  const plan = planRerun({ of: task.state, before: asks, after: asks, from: "failed" });
  assert.deepEqual(
    plan.map(({ key, does, because }) => `${key} ${does}: ${because}`),
    [
      "build reuse: it succeeded",
      "gate run: people approve it anew in every task",
      "deploy run: it needs gate, which runs again",
    ],
  );
});

test("one job runs again, by key or by id, with all that needs it (A23)", () => {
  const task = ended();
  const runs = (from: RerunOf["from"]) =>
    Object.entries(planOf(task, from)).flatMap(([key, does]) => (does.startsWith("run") ? [key] : []));
  assert.deepEqual(runs({ job: "deploy[a]" }), ["deploy[a]", "check", "clean"]);
  assert.deepEqual(runs({ job: "deploy" }), ["deploy[a]", "deploy[b]", "check", "clean"]);
  assert.deepEqual(runs({ job: "build" }), ["build", "deploy[a]", "deploy[b]", "skipped", "check", "clean"]);
  assert.deepEqual(runs("all").length, 7);
  assert.deepEqual(runs("edited").length, 7);
  assert.deepEqual(runs("failed"), ["clean"]);
});

test("with a newer definition, a job that it changes runs again, and so does what needs it (A23)", () => {
  const task = ended("lint");
  const changed = PIPELINE.jobs.map((one) => (one.id === "deploy" ? { ...one, steps: [scriptStep("new")] } : one));
  const after = { ...PIPELINE, jobs: [...changed, job("added")] };
  const plan = planOf(task, "failed", JSON.parse(JSON.stringify(after)));
  assert.equal(plan.build, "reuse: it succeeded");
  assert.equal(plan["deploy[a]"], "run: its definition has changed");
  assert.equal(plan.check, "run: it needs deploy[a], which runs again");
  assert.equal(plan.added, "run: it has not run");
});

test("what ran because something failed is not reused when that runs again", () => {
  const rescued = pipeline([job("a"), job("rescue", { needs: ["a"], when: 'status == "failed"' })]);
  const task = new TaskUnderTest(rescued);
  task.run("a", "failed");
  task.run("rescue");
  const plan = planRerun({ of: task.state, before: rescued, after: rescued, from: "failed" });
  assert.deepEqual(
    plan.map(({ key, does }) => `${does} ${key}`),
    ["run a", "run rescue"],
  );
});

test("a failure that was tolerated runs again, and what went on after it, too", () => {
  const lenient = pipeline([job("lint", { continueOnError: true }), job("build", { needs: ["lint"] })]);
  const task = new TaskUnderTest(lenient);
  task.run("lint", "failed");
  task.run("build");
  const plan = planRerun({ of: task.state, before: lenient, after: lenient, from: "failed" });
  assert.deepEqual(
    plan.map(({ key, does }) => `${does} ${key}`),
    ["run lint", "run build"],
  );
});
