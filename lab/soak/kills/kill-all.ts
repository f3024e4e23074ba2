// Kills the agent and all runners (SIGKILL) at the same moment, repeatedly, while tasks are requested all the time.

import { AgentProcess, end, startRunnerProcess, TestBed } from "../../processes/agent-process.ts";
import { lines } from "../../processes/outside-steps.ts";
import { listed, Submits } from "./submits.ts";

export type KillAllFigures = {
  readonly kills: number;
  readonly acknowledged: number;
  /** Acknowledged tasks that are missing at the end. Must be 0. */
  readonly missing: number;
  /** Tasks that were never requested, or that exist twice for one key. Must be 0. */
  readonly unknown: number;
  /** Tasks that did not succeed. Must be 0, because their job is retrySafe. */
  readonly otherEnds: number;
  /** Repeated and missing changes; each task must make exactly one. Must be 0. */
  readonly wrongChanges: number;
  /** Attempts that were lost by the kills and repeated. */
  readonly repeated: number;
  /** From the last kill until every task had ended. */
  readonly drainedS: number;
};

const SUBMIT_EVERY_MS = 50;
const RUNNERS = ["seoul-1", "seoul-2"];
const CHECK_EVERY_MS = 500;
const DRAIN_LIMIT_MS = 600_000;
const JOB = `  work:
    site: seoul
    retrySafe: true
    steps:
      - { id: say, title: Say, run: "echo said" }
      - { id: put, title: Put, uses: jira/comment, with: { issue: "WORK-1", text: "\${{ '-' }}" } }`;

/** 20 tasks a second. */
export async function killAll(kills: number, everyMs: number): Promise<KillAllFigures> {
  const bed = await TestBed.open();
  try {
    await bed.pipeline("work", JOB);
    const agent = await AgentProcess.start(bed);
    const startAll = () => RUNNERS.map((name) => startRunnerProcess(bed, { name, agent: agent.url, config: SLOTS }));
    let runners = startAll();
    const submits = new Submits(agent, "work", SUBMIT_EVERY_MS);
    for (let kill = 0; kill < kills; kill += 1) {
      await new Promise((resolve) => setTimeout(resolve, everyMs));
      await Promise.all([agent.kill(), ...runners.map(({ child }) => end(child))]);
      runners = startAll();
      await agent.restart();
    }
    const began = performance.now();
    await submits.finish();
    let tasks = await listed(agent);
    while ([...tasks.values()].some(({ endedAt }) => endedAt === undefined)) {
      if (performance.now() - began > DRAIN_LIMIT_MS) break;
      await new Promise((resolve) => setTimeout(resolve, CHECK_EVERY_MS));
      tasks = await listed(agent);
    }
    const drainedS = Math.round((performance.now() - began) / 1_000);
    const puts = lines(bed.outside);
    const changes = new Set(puts).size;
    return {
      kills,
      acknowledged: submits.acked.size,
      ...submits.compare(tasks),
      otherEnds: [...tasks.values()].filter(({ state }) => state !== "succeeded").length,
      wrongChanges: puts.length - changes + Math.abs(tasks.size - changes),
      repeated: await countLost(agent),
      drainedS,
    };
  } finally {
    await bed.close();
  }
}

const SLOTS = { slots: 4 };

async function countLost({ client }: AgentProcess): Promise<number> {
  let lost = 0;
  for (let after = 0; ; ) {
    const { events, last } = await client.feed({ after, limit: 1_000, waitMs: 0 });
    if (events.length === 0) return lost;
    lost += events.filter(({ data }) => data.event.kind === "AttemptLost").length;
    after = last;
  }
}
