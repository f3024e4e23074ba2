// The jobs of `each` and `matrix` as a group: `maxParallel` and `failFast`. Row A4.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { testRuns } from "../test-runs.fixture.ts";
import { isCanceled } from "./decision.ts";
import { evolve } from "./evolve.ts";
import type { TaskState } from "./model.ts";
import { isBad } from "./states.ts";
import { job, pipeline, TaskUnderTest } from "./task.fixture.ts";

const ELEMENTS = ["a", "b", "c", "d"];
/** A job is asked to stop by itself or with its task. */
const hasEndedOrIsCanceled = (state: TaskState, key: string): boolean => {
  const one = state.jobs[key];
  return one !== undefined && (one.outcome !== undefined || isCanceled(state, one));
};
const phases = (task: TaskUnderTest): readonly string[] => ELEMENTS.map((name) => task.phase(`t[${name}]`));

test("maxParallel: the next job is ready when one has ended, in the order of the list (A4)", () => {
  const task = new TaskUnderTest(
    pipeline([job("t", { each: ELEMENTS, maxParallel: 2 }), job("after", { needs: ["t"] })]),
  );
  assert.deepEqual(phases(task), ["ready", "ready", "pending", "pending"]);
  task.run("t[b]");
  assert.deepEqual(phases(task), ["ready", "succeeded", "ready", "pending"]);
  task.run("t[a]", "failed");
  assert.deepEqual(phases(task), ["failed", "succeeded", "ready", "ready"]);
  task.run("t[c]");
  task.run("t[d]");
  assert.deepEqual([task.phase("after"), task.state.outcome], ["skipped", "failed"]);
});

test("maxParallel: a job that waits for its next attempt, or for a person, keeps its place", () => {
  const limited = job("t", {
    each: ELEMENTS,
    maxParallel: 1,
    retry: { max: 1, delayMs: 1_000, on: ["failed"] },
    retrySafe: false,
  });
  const task = new TaskUnderTest(pipeline([limited]));
  task.run("t[a]", "failed");
  assert.deepEqual(phases(task), ["ready", "pending", "pending", "pending"]);
  const who = task.claim("t[a]");
  task.start(who);
  task.lose(who);
  assert.deepEqual(phases(task), ["held", "pending", "pending", "pending"]);
  task.resolve("t[a]", "mark-done");
  assert.deepEqual(phases(task), ["succeeded", "ready", "pending", "pending"]);
});

test("maxParallel: a calendar that closes holds those that are ready, too", () => {
  const task = new TaskUnderTest(pipeline([job("t", { each: ELEMENTS, maxParallel: 1, environment: "prod" })]));
  assert.deepEqual(phases(task), ["ready", "pending", "pending", "pending"]);
  const always = { from: "1970-01-01T00:00:00Z", to: "2999-01-01T00:00:00Z" };
  task.environments = {
    prod: {
      requires: { gate: false, tests: false, branch: "release" },
      freezes: [{ ...always, reason: "Audit", owner: "lee" }],
    },
  };
  task.wait(0);
  assert.deepEqual(phases(task), ["pending", "pending", "pending", "pending"]);
});

test("failFast: the others are canceled, those that run are asked to stop, and each says why (A4)", () => {
  const fast = job("t", {
    each: ELEMENTS,
    maxParallel: 3,
    failFast: true,
    retry: { max: 2, delayMs: 0, on: ["failed"] },
  });
  const read = job("read", { needs: ["t"], when: "always", env: { O: "${{ needs.t.outcome }}" } });
  const task = new TaskUnderTest(pipeline([fast, read]));
  const running = task.claim("t[a]");
  task.start(running);
  for (let tries = 0; tries < 3; tries += 1) task.run("t[b]", "failed");
  assert.deepEqual(phases(task), ["leased", "failed", "canceled", "canceled"]);
  const why = "t[b] ended as failed and the job has failFast";
  assert.deepEqual(
    ELEMENTS.map((name) => task.state.jobs[`t[${name}]`]?.cancel?.reason),
    [why, undefined, why, why],
  );
  task.report(running, "canceled");
  assert.equal(task.phase("t[a]"), "canceled", "it is not tried again");
  task.run("read");
  assert.deepEqual([task.state.outcome, task.state.failedAt?.job], ["failed", "t[b]"]);
});

test("failFast: what had succeeded, or succeeds all the same, stays so; jobs of other groups go on", () => {
  const task = new TaskUnderTest(pipeline([job("t", { each: ["a", "b", "c"], failFast: true }), job("other")]));
  const late = task.claim("t[c]");
  task.start(late);
  task.run("t[a]");
  task.run("t[b]", "errored");
  task.report(late, "succeeded");
  assert.deepEqual(
    ["t[a]", "t[b]", "t[c]", "other"].map((key) => task.phase(key)),
    ["succeeded", "errored", "succeeded", "ready"],
  );
});

test("property: maxParallel is never exceeded and failFast starts nothing more, for any reports in any order", () => {
  const keys = ELEMENTS.map((name) => `t[${name}]`);
  const action = fc.record({
    verb: fc.constantFrom("claim", "start", "report", "lose", "cancel", "resolve"),
    key: fc.constantFrom(...keys),
    outcome: fc.constantFrom("succeeded" as const, "failed" as const, "timed-out" as const, "canceled" as const),
    answer: fc.constantFrom("run-again" as const, "mark-done" as const, "fail" as const),
  });
  const shape = fc.record({
    maxParallel: fc.integer({ min: 1, max: 4 }),
    failFast: fc.boolean(),
    retries: fc.integer({ min: 0, max: 2 }),
    retrySafe: fc.boolean(),
  });
  fc.assert(
    fc.property(
      shape,
      fc.array(action, { maxLength: 60 }),
      ({ maxParallel, failFast, retries, retrySafe }, actions) => {
        const many = job("t", {
          each: ELEMENTS,
          maxParallel,
          ...(failFast ? { failFast: true as const } : {}),
          retry: { max: retries, delayMs: 0, on: ["failed"] },
          retrySafe,
        });
        const task = new TaskUnderTest(pipeline([many], { finally: [job("z")] }));
        for (const { verb, key, outcome, answer } of actions) {
          const before = task.events.length;
          const hadFailed = keys.some((one) => isBad(task.state.jobs[one]?.outcome));
          if (verb === "claim") task.claim(key);
          else if (verb === "start") task.start(task.claimant(key));
          else if (verb === "report") task.report(task.claimant(key), outcome);
          else if (verb === "lose") task.lose(task.claimant(key));
          else if (verb === "cancel") task.cancel();
          else task.resolve(key, answer);
          const active = keys.filter((one) => ["ready", "leased", "held"].includes(task.phase(one)));
          assert.ok(active.length <= maxParallel, `${active.length} of ${maxParallel}`);
          const began = task.events.slice(before).some(({ kind }) => kind === "JobReady" || kind === "JobClaimed");
          if (failFast && hadFailed)
            assert.ok(!began || verb === "claim" || task.phase("z") !== "unknown", "nothing more starts");
          if (failFast && hadFailed)
            for (const one of keys) assert.ok(hasEndedOrIsCanceled(task.state, one), `${one} was asked to stop`);
        }
        // With the room that ended jobs leave, all of them come to their end.
        for (let round = 0; round < 40 && task.state.phase !== "ended"; round += 1)
          for (const one of [...keys, "z"]) {
            if (task.phase(one) === "held") task.resolve(one, "fail");
            if (task.phase(one) === "ready") task.run(one);
            else if (task.phase(one) === "leased") {
              task.start(task.claimant(one));
              task.report(task.claimant(one), "canceled");
            }
          }
        assert.equal(task.state.phase, "ended");
        assert.deepEqual(task.events.reduce<TaskState | undefined>(evolve, undefined), task.state);
      },
    ),
    { numRuns: testRuns(400) },
  );
});
