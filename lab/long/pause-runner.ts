// SIGSTOP of a runner for longer than its lease: somebody else does the work, and when it goes on it can change nothing.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { AgentProcess, Ground, startRunnerProcess } from "./processes.ts";
import { lines } from "./world-steps.ts";

export type PauseFigures = {
  readonly pauses: number;
  /** Tasks that ended well, by the second attempt. Must be `pauses`. */
  readonly succeeded: number;
  /** Changes beyond one for each task. Must be 0. */
  readonly extraChanges: number;
  /** Facts of the first attempt after it was given away, other than its late report. Must be 0. */
  readonly staleFacts: number;
  /** From SIGCONT until the runner had stopped the old work. */
  readonly longestAwakeMs: number;
};

/** Two seconds instead of two minutes. */
export const SHORT_TERMS = {
  aliveMs: 1_500,
  lease: {
    strict: { renewEveryMs: 300, renewWithinMs: 900, selfFenceMs: 1_200, reassignAfterMs: 2_500 },
    lenient: { renewEveryMs: 300, renewWithinMs: 900, selfFenceMs: 43_000, reassignAfterMs: 45_000 },
  },
};
const JOB = `  work:
    site: seoul
    mode: strict
    retrySafe: true
    env: { WORLD: ../../../../world }
    steps:
      - { id: begin, title: Begin, run: "touch $WORLD/begun" }
      - { id: put, title: Put, uses: jira/comment, with: { issue: "WORK-1", text: "\${{ 'go' }}" } }`;

export async function pauseRunner(pauses: number): Promise<PauseFigures> {
  const figures = { pauses, succeeded: 0, extraChanges: 0, staleFacts: 0, longestAwakeMs: 0 };
  for (let n = 0; n < pauses; n += 1) {
    const one = await pauseOnce();
    figures.succeeded += one.isRight ? 1 : 0;
    figures.extraChanges += one.changes - 1;
    figures.staleFacts += one.staleFacts;
    figures.longestAwakeMs = Math.max(figures.longestAwakeMs, one.awakeMs);
  }
  return figures;
}

async function pauseOnce(): Promise<{ isRight: boolean; changes: number; staleFacts: number; awakeMs: number }> {
  const ground = await Ground.open();
  try {
    await ground.pipeline("work", JOB);
    const agent = await AgentProcess.start(ground, { config: SHORT_TERMS });
    const paused = startRunnerProcess(ground, { name: "seoul-1", agent: agent.url });
    const { id } = await agent.start("work", "key");
    await agent.fact(id, ({ kind, step }) => kind === "StepStarted" && step === "put");
    while (!existsSync(join(ground.world, "begun"))) await new Promise((resolve) => setTimeout(resolve, 20));
    paused.child.kill("SIGSTOP");
    startRunnerProcess(ground, { name: "seoul-2", agent: agent.url });
    const lost = await agent.fact(id, ({ kind }) => kind === "AttemptLost");
    await ground.open("go");
    const ended = await agent.ended(id);
    const began = performance.now();
    paused.child.kill("SIGCONT");
    // Its folders are gone when it has given the attempt up.
    const given = (): boolean => paused.lines.some((line) => line.includes("an attempt was given up"));
    while (!given()) await new Promise((resolve) => setTimeout(resolve, 10));
    const awakeMs = Math.round(performance.now() - began);
    const events = await agent.client.taskEvents(id, lost.taskseq, 1_000);
    const stale = events.filter(({ data: { event } }) => event.attempt === 1 && event.kind !== "ReportCameLate");
    const isRight = ended.state === "succeeded" && ended.jobs[0]?.attempts.length === 2;
    return { isRight, changes: lines(ground.world).length, staleFacts: stale.length, awakeMs };
  } finally {
    await ground.close();
  }
}
