// Stops a runner (SIGSTOP) for longer than its lease: its scripts end while it is stopped, another runner does the work, and
// the first one can change nothing after it resumes.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { AgentProcess, startRunnerProcess, TestBed } from "../../processes/agent-process.ts";
import { lines } from "../../processes/outside-steps.ts";
import { DEPLOY, gapOf } from "../network/cut.ts";
import { type Losses, lossesOf } from "../network/losses.ts";
import { SHORT_LEASES } from "../network/short-leases.ts";

export type PauseFigures = {
  readonly pauses: number;
  /** Pauses after which both tasks succeeded in the second attempt. Must be `pauses`. */
  readonly succeeded: number;
  /** Pauses that were repeated because the machine was too slow for the lease of a runner that was not stopped. */
  readonly starved: number;
  /** Attempts that were given away although their lease was renewed in time. Must be 0. */
  readonly unexplained: number;
  /** Changes beyond one for each task. Must be 0. */
  readonly extraChanges: number;
  /** Events of the first attempt after it was given away, except its late report. Must be 0. */
  readonly staleFacts: number;
  /** Scripts that ran at the same time as that of the next attempt. Must be 0. */
  readonly overlaps: number;
  /** From the last sign of life of one script to the first of the next. */
  readonly shortestGapMs: number;
  /** From SIGCONT until the runner had stopped the old work. */
  readonly longestAwakeMs: number;
};

const AWAKE_LIMIT_MS = 20_000;
const JOB = `  work:
    site: seoul
    mode: strict
    retrySafe: true
    env: { OUTSIDE: ../../../../outside }
    steps:
      - { id: begin, title: Begin, run: "touch $OUTSIDE/begun" }
      - { id: put, title: Put, uses: jira/comment, with: { issue: "WORK-1", text: "\${{ 'go' }}" } }`;

/** `onProgress` gets the figures so far. */
export async function pauseRunner(
  pauses: number,
  onProgress: (figures: PauseFigures) => void = () => {},
): Promise<PauseFigures> {
  const counted = { pauses: 0, succeeded: 0 };
  const all = { starved: 0, unexplained: 0, extraChanges: 0, staleFacts: 0, overlaps: 0, longestAwakeMs: 0 };
  let shortestGapMs = Number.POSITIVE_INFINITY;
  while (counted.pauses < pauses) {
    const one = await pauseOnce();
    all.unexplained += one.unexplained;
    all.extraChanges += one.changes - 1;
    all.staleFacts += one.staleFacts;
    all.overlaps += one.gapMs < 0 ? 1 : 0;
    all.longestAwakeMs = Math.max(all.longestAwakeMs, one.awakeMs);
    shortestGapMs = Math.min(shortestGapMs, one.gapMs);
    if (one.isStarved && all.starved < pauses) {
      all.starved += 1;
      continue;
    }
    counted.pauses += 1;
    counted.succeeded += one.isRight ? 1 : 0;
    onProgress({ ...counted, ...all, shortestGapMs });
  }
  return { ...counted, ...all, shortestGapMs };
}

type One = Losses & { isRight: boolean; changes: number; staleFacts: number; gapMs: number; awakeMs: number };

async function pauseOnce(): Promise<One> {
  const bed = await TestBed.open();
  try {
    await bed.pipeline("work", JOB);
    await bed.pipeline("deploy", DEPLOY);
    const agent = await AgentProcess.start(bed, { config: SHORT_LEASES });
    const paused = startRunnerProcess(bed, { name: "seoul-1", agent: agent.url });
    const deploy = await agent.start("deploy", "deploy");
    const { id } = await agent.start("work", "key");
    await agent.fact(id, ({ kind, step }) => kind === "StepStarted" && step === "put");
    const signs = ["begun", "alive"].map((name) => join(bed.outside, name));
    while (!signs.every(existsSync)) await new Promise((resolve) => setTimeout(resolve, 20));
    paused.child.kill("SIGSTOP");
    const second = startRunnerProcess(bed, { name: "seoul-2", agent: agent.url });
    await agent.fact(id, ({ kind }) => kind === "AttemptLost");
    await bed.open("go");
    const ended = await agent.settled(id);
    const deployed = await agent.settled(deploy.id);
    const began = performance.now();
    paused.child.kill("SIGCONT");
    // The runner logs this when it has given an attempt up.
    const given = (): boolean => paused.lines.filter((line) => line.includes("an attempt was given up")).length >= 2;
    while (!given() && performance.now() - began < AWAKE_LIMIT_MS)
      await new Promise((resolve) => setTimeout(resolve, 10));
    const awakeMs = Math.round(performance.now() - began);
    const staleFacts = await Promise.all([id, deploy.id].map((task) => countStale(agent, task)));
    const isRight = [ended, deployed].every(
      ({ state, jobs }) => state === "succeeded" && jobs[0]?.attempts.length === 2,
    );
    const losses = await Promise.all([id, deploy.id].map((task) => lossesOf(agent, task, [paused, second])));
    return {
      isStarved: losses.some(({ isStarved }) => isStarved),
      unexplained: losses.reduce((sum, { unexplained }) => sum + unexplained, 0),
      isRight,
      changes: lines(bed.outside).length,
      staleFacts: staleFacts.reduce((sum, count) => sum + count, 0),
      gapMs: gapOf(bed),
      awakeMs,
    };
  } finally {
    await bed.close();
  }
}

async function countStale(agent: AgentProcess, task: string): Promise<number> {
  const facts = (await agent.client.taskEvents(task, 0, 1_000)).map(({ data }) => data.event);
  const lost = facts.findIndex(({ kind }) => kind === "AttemptLost");
  return facts.slice(lost + 1).filter(({ kind, attempt }) => attempt === 1 && kind !== "ReportCameLate").length;
}
