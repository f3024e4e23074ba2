// Cuts the connection of a runner in the middle of a build and a deployment, for longer than a strict lease and shorter than
// a lenient one: the build continues under its lease and loses no log byte; the deployment never runs twice at once.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AgentProcess, startRunnerProcess, TestBed } from "../../processes/agent-process.ts";
import { type Fault, FaultyProxy } from "./faulty-proxy.ts";
import { type Losses, lossesOf } from "./losses.ts";
import { SHORT_LEASES } from "./short-leases.ts";

export type CutFigures = {
  readonly cuts: number;
  /** Builds that succeeded in their first attempt. Must be `cuts`. */
  readonly buildsInOne: number;
  /** Logs whose SHA-256 is equal on both sides. Must be `cuts`. */
  readonly equalLogs: number;
  /** Tasks whose events were not 1, 2, 3 … with the steps in order. Must be 0. */
  readonly disorder: number;
  /** Deployments that succeeded in exactly two attempts. Must be `cuts`. */
  readonly deployments: number;
  /** Cuts that were repeated because a slow machine missed a lease of the deployment before or after the cut. */
  readonly starved: number;
  /** Attempts that were given away although their lease was renewed in time. Must be 0. */
  readonly unexplained: number;
  /** Deployments in which two attempts ran at the same time. Must be 0. */
  readonly overlaps: number;
  /** From the last sign of life of one attempt to the first of the next. */
  readonly shortestGapMs: number;
};

/** The connection of a runner to the agent. */
export type RunnerLink = {
  readonly url: string;
  /** A wrapper program for the runner, with its arguments. */
  readonly before?: readonly string[];
  /** Applies from now on; bytes that are under way are lost. */
  readonly set: (fault: Fault) => void;
  readonly close: () => Promise<void>;
};

export type Cut = { readonly fault: Fault; readonly ms: number };

/** The durations of SHORT_LEASES are 1/48 of the defaults for strict jobs and 1/40 for lenient ones. */
export const TEN_MINUTES_SCALED_MS = 15_000;

const LINES = 2_000;

type CutOptions = {
  /** Opens the connection of the runner that is cut off. */
  readonly open?: (agentUrl: string) => Promise<RunnerLink>;
  /** Gets the figures so far. */
  readonly onProgress?: (figures: CutFigures) => void;
};

export async function cutConnection(
  cuts: readonly Cut[],
  { open = FaultyProxy.open, onProgress = () => {} }: CutOptions = {},
): Promise<CutFigures> {
  const counted = { cuts: 0, buildsInOne: 0, equalLogs: 0, deployments: 0 };
  const all = { starved: 0, disorder: 0, unexplained: 0, overlaps: 0, shortestGapMs: Number.POSITIVE_INFINITY };
  const left = [...cuts];
  while (left.length > 0) {
    // Most of the time is spent waiting, so two run at once.
    const two = left.splice(0, 2);
    const played = await Promise.all(two.map((cut) => cutOnce(cut, open)));
    for (const [index, one] of played.entries()) {
      all.disorder += one.disorder;
      all.unexplained += one.unexplained;
      all.overlaps += one.gapMs < 0 ? 1 : 0;
      all.shortestGapMs = Math.min(all.shortestGapMs, one.gapMs);
      const cut = two[index];
      if (cut && one.isStarved && all.starved < cuts.length) {
        all.starved += 1;
        left.push(cut);
        continue;
      }
      counted.cuts += 1;
      counted.buildsInOne += one.isBuildInOne ? 1 : 0;
      counted.equalLogs += one.isLogEqual ? 1 : 0;
      counted.deployments += one.isDeployed ? 1 : 0;
    }
    onProgress({ ...counted, ...all });
  }
  return { ...counted, ...all };
}

type One = Losses & {
  readonly isBuildInOne: boolean;
  readonly isLogEqual: boolean;
  readonly disorder: number;
  readonly isDeployed: boolean;
  readonly gapMs: number;
};

async function cutOnce({ fault, ms }: Cut, open: (agentUrl: string) => Promise<RunnerLink>): Promise<One> {
  const bed = await TestBed.open();
  let line: RunnerLink | undefined;
  try {
    const pauseS = (ms + 3_000) / LINES / 1_000;
    await bed.pipeline("build", buildJob(pauseS));
    await bed.pipeline("deploy", DEPLOY);
    const agent = await AgentProcess.start(bed, { config: { ...SHORT_LEASES, host: "0.0.0.0", allowPlainHttp: true } });
    line = await open(agent.url);
    const { url, before } = line;
    const first = startRunnerProcess(bed, { name: "seoul-1", agent: url, before, config: { allowPlainHttp: true } });
    const build = await agent.start("build", "build");
    const deploy = await agent.start("deploy", "deploy");
    for (const { id } of [build, deploy])
      await agent.fact(id, ({ kind, step }) => kind === "StepStarted" && step === "work");
    // It is connected directly; only the first runner is cut off.
    const second = startRunnerProcess(bed, { name: "seoul-2", agent: agent.url });
    const healed = new Promise<void>((resolve) =>
      setTimeout(() => {
        line?.set({});
        resolve();
      }, ms),
    );
    line.set(fault);
    const deployed = await agent.settled(deploy.id);
    await healed;
    const built = await agent.ended(build.id);
    const log = await agent.client.log({ task: build.id, job: "work", step: "work" }, 0, 4_194_304);
    const disorder = (await isInOrder(agent, build.id)) && (await isInOrder(agent, deploy.id)) ? 0 : 1;
    const losses = await lossesOf(agent, deploy.id, [first, second]);
    return {
      isBuildInOne: built.state === "succeeded" && built.jobs[0]?.attempts.length === 1,
      isLogEqual: digest(log.bytes) === digest(readFileSync(join(bed.outside, "printed"))),
      disorder,
      isDeployed: deployed.state === "succeeded" && deployed.jobs[0]?.attempts.length === 2,
      ...losses,
      gapMs: gapOf(bed),
    };
  } finally {
    await line?.close();
    await bed.close();
  }
}

/** Writes the same lines to its log and to a file, for longer than the cut. */
function buildJob(pauseS: number): string {
  const body = `i=0; while [ $i -lt ${LINES} ]; do echo "line $i $$"; i=$((i+1)); sleep ${pauseS}; done | tee $OUTSIDE/printed`;
  return `  work:
    site: seoul
    mode: lenient
    env: { OUTSIDE: ../../../../outside }
    steps:
      - { id: before, title: Before, run: "true" }
      - { id: work, title: Work, run: '${body}' }
      - { id: after, title: After, run: "true" }`;
}

/** Writes signs of life until the second attempt has done so for a while. */
export const DEPLOY = `  work:
    site: seoul
    mode: strict
    retrySafe: true
    env: { OUTSIDE: ../../../../outside }
    steps:
      - id: work
        title: Work
        run: |
          trap "" TERM
          i=0
          while [ $GANTRY_ATTEMPT -eq 1 ] || [ $i -lt 20 ]; do
            echo "$GANTRY_ATTEMPT $(date +%s%N)" >> $OUTSIDE/alive
            i=$((i+1)); sleep 0.02
          done`;

/** The shortest time between two attempts of DEPLOY, ms; negative when they overlapped. */
export function gapOf(bed: TestBed): number {
  const lines = readFileSync(join(bed.outside, "alive"), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(" ").map(Number));
  const times = (attempt: number): number[] => lines.flatMap(([of, at = 0]) => (of === attempt ? [at / 1e6] : []));
  const attempts = [...new Set(lines.map(([attempt = 0]) => attempt))].sort((a, b) => a - b);
  const gaps = attempts.slice(1).map((attempt) => {
    const before = attempts.filter((one) => one < attempt).flatMap(times);
    return Math.min(...times(attempt)) - Math.max(...before);
  });
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
