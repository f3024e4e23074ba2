// A line that is cut in the middle of a build and of a deployment, for longer than a strict lease and shorter than a
// lenient one: the build goes on under its lease and loses no byte, the deployment is never done by two at once.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AgentProcess, Ground, startRunnerProcess } from "./processes.ts";
import { type Fault, Line } from "./proxy.ts";
import { SHORT_TERMS } from "./terms.ts";

export type CutFigures = {
  readonly cuts: number;
  /** Builds that ended well in their first attempt. Must be `cuts`. */
  readonly buildsInOne: number;
  /** Logs that are equal on both sides, by SHA-256. Must be `cuts`. */
  readonly equalLogs: number;
  /** Tasks whose events were not 1, 2, 3 … with the steps in order. Must be 0. */
  readonly disorder: number;
  /** Deployments that ended well. Must be `cuts`. */
  readonly deployments: number;
  /** Deployments where an attempt was still alive when the next one was. Must be 0. */
  readonly overlaps: number;
  /** From the last sign of life of one attempt to the first of the next. */
  readonly shortestGapMs: number;
};

export type Cut = { readonly fault: Fault; readonly ms: number };

/** The terms of SHORT_TERMS are 1/48 of the usual ones for strict jobs and 1/40 for lenient ones. */
export const TEN_MINUTES_SCALED_MS = 15_000;

const LINES = 2_000;

export async function cutLine(cuts: readonly Cut[]): Promise<CutFigures> {
  const sum = { cuts: cuts.length, buildsInOne: 0, equalLogs: 0, disorder: 0, deployments: 0, overlaps: 0 };
  let shortestGapMs = Number.POSITIVE_INFINITY;
  const ones: One[] = [];
  // Most of the time is spent waiting, so two go at once.
  for (let n = 0; n < cuts.length; n += 2) ones.push(...(await Promise.all(cuts.slice(n, n + 2).map(cutOnce))));
  for (const one of ones) {
    sum.buildsInOne += one.isBuildInOne ? 1 : 0;
    sum.equalLogs += one.isLogEqual ? 1 : 0;
    sum.disorder += one.disorder;
    sum.deployments += one.isDeployed ? 1 : 0;
    sum.overlaps += one.gapMs < 0 ? 1 : 0;
    shortestGapMs = Math.min(shortestGapMs, one.gapMs);
  }
  return { ...sum, shortestGapMs };
}

type One = { isBuildInOne: boolean; isLogEqual: boolean; disorder: number; isDeployed: boolean; gapMs: number };

async function cutOnce({ fault, ms }: Cut): Promise<One> {
  const ground = await Ground.open();
  let line: Line | undefined;
  try {
    const pauseS = (ms + 3_000) / LINES / 1_000;
    await ground.pipeline("build", buildJob(pauseS));
    await ground.pipeline("deploy", DEPLOY);
    const agent = await AgentProcess.start(ground, { config: SHORT_TERMS });
    line = await Line.open(agent.url);
    const first = startRunnerProcess(ground, { name: "seoul-1", agent: line.url });
    const build = await agent.start("build", "build");
    const deploy = await agent.start("deploy", "deploy");
    for (const { id } of [build, deploy])
      await agent.fact(id, ({ kind, step }) => kind === "StepStarted" && step === "work");
    // It is near the agent; only the first one is cut off.
    const second = startRunnerProcess(ground, { name: "seoul-2", agent: agent.url });
    const healed = new Promise<void>((resolve) =>
      setTimeout(() => {
        line?.set({});
        resolve();
      }, ms),
    );
    line.set(fault);
    const deployed = await agent.ended(deploy.id);
    await healed;
    const built = await agent.ended(build.id);
    const log = await agent.client.log({ task: build.id, job: "work", step: "work" }, 0, 4_194_304);
    const disorder = (await isInOrder(agent, build.id)) && (await isInOrder(agent, deploy.id)) ? 0 : 1;
    if (deployed.jobs[0]?.attempts.length !== 2) await explain(agent, deploy.id, [first, second]);
    return {
      isBuildInOne: built.state === "succeeded" && built.jobs[0]?.attempts.length === 1,
      isLogEqual: digest(log.bytes) === digest(readFileSync(join(ground.world, "printed"))),
      disorder,
      isDeployed: deployed.state === "succeeded" && (deployed.jobs[0]?.attempts.length ?? 0) >= 2,
      gapMs: gapOf(ground),
    };
  } finally {
    await line?.close();
    await ground.close();
  }
}

async function explain(agent: AgentProcess, task: string, runners: readonly { lines: string[] }[]): Promise<void> {
  const events = await agent.client.taskEvents(task, 0, 1_000);
  for (const event of events) process.stderr.write(`${event.time} ${JSON.stringify(event.data.event)}\n`);
  for (const { lines } of runners) process.stderr.write(`---\n${lines.join("\n")}\n`);
}

/** Prints to the log what it writes to a file, for longer than the cut. */
function buildJob(pauseS: number): string {
  const body = `i=0; while [ $i -lt ${LINES} ]; do echo "line $i $$"; i=$((i+1)); sleep ${pauseS}; done | tee $WORLD/printed`;
  return `  work:
    site: seoul
    mode: lenient
    env: { WORLD: ../../../../world }
    steps:
      - { id: before, title: Before, run: "true" }
      - { id: work, title: Work, run: '${body}' }
      - { id: after, title: After, run: "true" }`;
}

/** Writes that it is alive, until the second attempt has done so for a while. */
export const DEPLOY = `  work:
    site: seoul
    mode: strict
    retrySafe: true
    env: { WORLD: ../../../../world }
    steps:
      - id: work
        title: Work
        run: |
          trap "" TERM
          i=0
          while [ $GANTRY_ATTEMPT -eq 1 ] || [ $i -lt 20 ]; do
            echo "$GANTRY_ATTEMPT $(date +%s%N)" >> $WORLD/alive
            i=$((i+1)); sleep 0.02
          done`;

/** The shortest time between attempts of DEPLOY; less than 0 when one was alive after the next had begun. */
export function gapOf(ground: Ground): number {
  const lines = readFileSync(join(ground.world, "alive"), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(" ").map(Number));
  const times = (attempt: number): number[] => lines.flatMap(([of, at = 0]) => (of === attempt ? [at / 1e6] : []));
  const last = Math.max(...lines.map(([attempt = 0]) => attempt));
  const gaps = Array.from({ length: last - 1 }, (_, n) => Math.min(...times(n + 2)) - Math.max(...times(n + 1)));
  return Math.round(Math.min(...gaps));
}

async function isInOrder(agent: AgentProcess, task: string): Promise<boolean> {
  const events = await agent.client.taskEvents(task, 0, 1_000);
  const numbers = events.every((event, index) => event.taskseq === index + 1);
  const steps = events
    .map(({ data: { event } }) => event)
    .filter(({ kind, attempt }) => (kind === "StepStarted" || kind === "StepEnded") && attempt === 1)
    .map(({ step, kind }) => `${step} ${kind}`);
  const wanted = ["before", "work", "after"].flatMap((step) => [`${step} StepStarted`, `${step} StepEnded`]);
  return numbers && (steps.length < wanted.length || steps.join() === wanted.join());
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
