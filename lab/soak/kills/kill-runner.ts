// Kills a runner (SIGKILL) in every phase of an attempt, once together with its guard, and starts a new process: the task
// must end well, no process may be left behind, and no change may be made twice.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive, killWithGuard } from "@gantry/task-runner/runner-process.fixture.ts";
import { AgentProcess, end, startRunnerProcess, TestBed } from "../../processes/agent-process.ts";
import { lines } from "../../processes/outside-steps.ts";
import { Checkpoint, type Moment } from "../checkpoint.ts";

export const PHASES = [
  "before claim",
  "claimed",
  "started",
  "mid-script",
  "mid-script, guard too",
  "mid-effect",
  "before report",
  "after report",
] as const;
export type Phase = (typeof PHASES)[number];

export type KillRunnerFigures = {
  readonly kills: number;
  readonly succeeded: number;
  /** Changes that were made more than once. Must be 0. */
  readonly doubleEffects: number;
  /** Processes of attempts that were alive when their runner was killed. */
  readonly running: number;
  /** Those still alive two seconds later without a restart, where the guard was not killed. Must be 0. */
  readonly outlived: number;
  /** Those still alive when the next runner process was started, where the guard was killed, too. */
  readonly leftBehind: number;
  /** Processes of an attempt that were alive ten seconds after the restart. Must be 0. */
  readonly orphans: number;
  /** Attempts recorded as started that were not, or the reverse. Must be 0. */
  readonly wrongStarted: number;
  readonly longestMs: number;
};

const MOMENTS: { readonly [phase in Phase]?: Moment } = {
  "before claim": { call: "claim", side: "before" },
  claimed: { call: "claim", side: "after" },
  started: { call: "start", side: "after" },
  "before report": { call: "report", side: "before" },
  "after report": { call: "report", side: "after" },
};
/** Does the killed attempt count as started? undefined: it was not lost. */
const STARTED: { readonly [phase in Phase]: boolean | undefined } = {
  "before claim": undefined,
  claimed: false,
  started: true,
  "mid-script": true,
  "mid-script, guard too": true,
  "mid-effect": true,
  "before report": undefined,
  "after report": undefined,
};
const OUTLIVED_MS = 2_000;
const ORPHAN_MS = 10_000;
const JOB = `  work:
    site: seoul
    retrySafe: true
    env: { OUTSIDE: ../../../../outside }
    steps:
      - { id: leave, title: Leave, run: "setsid sleep 300 & touch $OUTSIDE/left; until [ -e $OUTSIDE/leave ]; do sleep 0.02; done" }
      - { id: put, title: Put, uses: jira/comment, with: { issue: "WORK-1", text: "\${{ 'go within' }}" } }
      - { id: say, title: Say, run: "echo said" }`;

/** `onProgress` gets the figures so far after each round. */
export async function killRunner(
  rounds: number,
  phases: readonly Phase[] = PHASES,
  onProgress: (figures: KillRunnerFigures) => void = () => {},
): Promise<KillRunnerFigures> {
  const figures = {
    kills: 0,
    succeeded: 0,
    doubleEffects: 0,
    running: 0,
    outlived: 0,
    leftBehind: 0,
    orphans: 0,
    wrongStarted: 0,
    longestMs: 0,
  };
  for (let round = 0; round < rounds; round += 1) {
    for (const phase of phases) {
      const one = await killAt(phase);
      figures.kills += 1;
      figures.succeeded += one.isRight ? 1 : 0;
      figures.doubleEffects += one.puts - 1;
      figures.running += one.running;
      figures.outlived += one.outlived;
      figures.leftBehind += one.leftBehind;
      figures.orphans += one.orphans;
      figures.wrongStarted += one.isStartedRight ? 0 : 1;
      figures.longestMs = Math.max(figures.longestMs, one.ms);
    }
    onProgress(figures);
  }
  return figures;
}

type One = Pick<KillRunnerFigures, "running" | "outlived" | "leftBehind" | "orphans"> & {
  readonly isRight: boolean;
  readonly puts: number;
  readonly isStartedRight: boolean;
  readonly ms: number;
};

async function killAt(phase: Phase): Promise<One> {
  const bed = await TestBed.open();
  let checkpoint: Checkpoint | undefined;
  try {
    await bed.pipeline("work", JOB);
    const agent = await AgentProcess.start(bed);
    checkpoint = await Checkpoint.open(agent.url);
    await bed.open("go");
    if (phase !== "mid-effect") await bed.open("within");
    const isInScript = phase.startsWith("mid-script");
    const isGuarded = phase !== "mid-script, guard too";
    if (!isInScript) await bed.open("leave");
    const first = startRunnerProcess(bed, { name: "seoul-1", agent: checkpoint.url });
    let before: readonly number[] = [];
    const kill = async (): Promise<void> => {
      before = processesOf(bed.folder);
      await (isGuarded ? end(first.child) : killWithGuard(first.child));
    };
    const moment = MOMENTS[phase];
    const killed = moment && checkpoint.at(moment, kill);
    const { id } = await agent.start("work", "key");
    if (killed) await killed;
    else {
      const sign = join(bed.outside, phase === "mid-effect" ? "put-WORK-1" : "left");
      while (!existsSync(sign)) await new Promise((resolve) => setTimeout(resolve, 20));
      await kill();
    }
    if (isGuarded) await goneIn(OUTLIVED_MS, before);
    const left = before.filter(isAlive).length;
    const began = performance.now();
    for (const name of ["within", "leave"]) await bed.open(name);
    startRunnerProcess(bed, { name: "seoul-1", agent: checkpoint.url });
    const ended = await agent.ended(id);
    const ms = Math.round(performance.now() - began);
    await goneIn(ORPHAN_MS - ms, before);
    const events = await agent.client.taskEvents(id, 0, 1_000);
    const lost = events.find(({ data }) => data.event.kind === "AttemptLost")?.data.event.started;
    return {
      isRight: ended.state === "succeeded" && ended.jobs[0]?.attempts.length === (STARTED[phase] === undefined ? 1 : 2),
      puts: lines(bed.outside).length,
      running: before.length,
      outlived: isGuarded ? left : 0,
      leftBehind: isGuarded ? 0 : left,
      orphans: before.filter(isAlive).length,
      isStartedRight: lost === STARTED[phase],
      ms,
    };
  } finally {
    await checkpoint?.close();
    await bed.close();
  }
}

async function goneIn(ms: number, pids: readonly number[]): Promise<void> {
  const began = performance.now();
  while (pids.some(isAlive) && performance.now() - began < ms) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Processes of attempts, also detached ones: their environment names a folder below this one. */
function processesOf(folder: string): readonly number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => readText(`/proc/${pid}/environ`).includes(`GANTRY_JOB_FOLDER=${folder}`)).map(Number);
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // the process has ended in the meantime
  }
}
