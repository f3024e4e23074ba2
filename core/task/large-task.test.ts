// A pipeline of 1,000 jobs with 3,000 edges: what a task-agent does with it at the start, and at every report of a runner.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePipeline } from "../pipeline/parse.ts";
import { TaskUnderTest } from "./task.fixture.ts";

const JOBS = 1_000;

/** Each job needs up to three earlier ones. */
function largePipeline() {
  const needs = (at: number): string => [1, 7, 40].flatMap((back) => (at < back ? [] : [`j${at - back}`])).join(", ");
  const jobs = Array.from(
    { length: JOBS },
    (_, at) => `  j${at}: { site: seoul, needs: [${needs(at)}], steps: [{ run: x }] }`,
  );
  const { pipeline, problems } = parsePipeline(
    { name: "large.yaml", text: `name: large\napp: none\njobs:\n${jobs.join("\n")}\n` },
    [],
  );
  assert.deepEqual(problems, []);
  assert.ok(pipeline);
  return pipeline;
}

/** Processor time of the quickest of three runs: other tests run at the same time. */
function quickest(work: () => void): number {
  const times = Array.from({ length: 3 }, () => {
    const before = process.cpuUsage();
    work();
    return process.cpuUsage(before).user / 1_000;
  });
  return Math.min(...times);
}

test("it is planned within 100 ms, and each decision of its first jobs takes about a millisecond", () => {
  const pipeline = largePipeline();
  assert.ok(pipeline.jobs.flatMap((job) => job.needs).length > 2_900);
  const plan = quickest(() => new TaskUnderTest(pipeline));
  assert.ok(plan < 100, `${plan} ms`);
  const decisions = quickest(() => {
    const task = new TaskUnderTest(pipeline);
    // A claim, a start and a report each.
    for (let at = 0; at < 40; at += 1) task.run(`j${at}`);
  });
  // The exact figure is that of the benchmark; this finds what grows with the square of the jobs.
  assert.ok((decisions - plan) / 120 < 3, `${(decisions - plan) / 120} ms`);
});

test("all of its jobs run in an order that their needs allow, and it succeeds", () => {
  const task = new TaskUnderTest(largePipeline());
  for (let at = 0; at < JOBS; at += 1) {
    assert.equal(task.phase(`j${at}`), "ready");
    task.run(`j${at}`);
  }
  assert.equal(task.state.outcome, "succeeded");
});
