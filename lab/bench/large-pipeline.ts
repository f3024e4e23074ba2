// A pipeline of 1,000 jobs with 3,000 edges: reading it, planning a task of it, and one decision of that task.

import { parsePipeline } from "@gantry/core/pipeline/parse.ts";
import { TaskUnderTest } from "@gantry/core/task/task.fixture.ts";
import { type Bench, quantile } from "./figure.ts";

const JOBS = 1_000;
const ROUNDS = 10;
const DECISIONS_OF_JOB = 3;

export const largePipeline: Bench = async () => {
  const needs = (at: number): string => [1, 7, 40].flatMap((back) => (at < back ? [] : [`j${at - back}`])).join(", ");
  const jobs = Array.from(
    { length: JOBS },
    (_, at) => `  j${at}: { site: seoul, needs: [${needs(at)}], steps: [{ run: x }] }`,
  );
  const text = `name: large\napp: none\njobs:\n${jobs.join("\n")}\n`;
  const samples: Record<"read" | "plan" | "decide", number[]> = { read: [], plan: [], decide: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const { ms, result } = timed(() => parsePipeline({ name: "large.yaml", text }, []));
    samples.read.push(ms);
    const { pipeline } = result;
    if (!pipeline) throw new Error(result.problems[0]?.detail);
    const planned = timed(() => new TaskUnderTest(pipeline));
    samples.plan.push(planned.ms);
    for (let at = 0; at < 50; at += 1)
      samples.decide.push(timed(() => planned.result.run(`j${at}`)).ms / DECISIONS_OF_JOB);
  }
  const note = `${JOBS} jobs, 3,000 edges, ${ROUNDS} rounds; processor time in this process, without a store`;
  return [
    { name: "Large pipeline, read and checked, p50", value: quantile(samples.read, 0.5), unit: "ms", note },
    {
      name: "Large pipeline, planned, p50",
      value: quantile(samples.plan, 0.5),
      unit: "ms",
      target: { atMost: 100 },
      note,
    },
    {
      name: "Large pipeline, one decision, p50",
      value: quantile(samples.decide, 0.5),
      unit: "ms",
      target: { atMost: 1 },
      note,
    },
  ];
};

/** Processor time: it hardly depends on what else the machine does. */
function timed<T>(work: () => T): { readonly ms: number; readonly result: T } {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  return { ms: (user + system) / 1_000, result };
}
