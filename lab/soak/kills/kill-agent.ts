// Kills a task-agent (SIGKILL) repeatedly under load: every acknowledged task must be there after the restart.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AgentProcess, TestBed } from "../../processes/agent-process.ts";
import { listed, Submits } from "./submits.ts";

export type KillAgentFigures = {
  readonly cycles: number;
  readonly acknowledged: number;
  /** Acknowledged tasks that are missing after the restart. Must be 0. */
  readonly missing: number;
  /** Tasks that were never requested, or that exist twice for one key. Must be 0. */
  readonly unknown: number;
  /** Restarts after which SQLite found a fault in the file. Must be 0. */
  readonly damaged: number;
  readonly longestRestartMs: number;
};

const SUBMIT_EVERY_MS = 20;
/** Cycles per store: each restart is followed by a check of all tasks, which takes longer each time. */
const CYCLES_OF_STORE = 50;
const JOB = '  work: { site: seoul, retrySafe: true, steps: [{ id: make, title: Make, run: "true" }] }';

/** `onProgress` gets the figures so far after each store. */
export async function killAgent(
  cycles: number,
  longestMs: number,
  onProgress: (sum: KillAgentFigures) => void = () => {},
): Promise<KillAgentFigures> {
  let sum = { cycles: 0, acknowledged: 0, missing: 0, unknown: 0, damaged: 0, longestRestartMs: 0 };
  while (sum.cycles < cycles) {
    const one = await killAgentOfOneStore(Math.min(CYCLES_OF_STORE, cycles - sum.cycles), longestMs);
    sum = {
      cycles: sum.cycles + one.cycles,
      acknowledged: sum.acknowledged + one.acknowledged,
      missing: sum.missing + one.missing,
      unknown: sum.unknown + one.unknown,
      damaged: sum.damaged + one.damaged,
      longestRestartMs: Math.max(sum.longestRestartMs, one.longestRestartMs),
    };
    onProgress(sum);
  }
  return sum;
}

async function killAgentOfOneStore(cycles: number, longestMs: number): Promise<KillAgentFigures> {
  const bed = await TestBed.open();
  try {
    await bed.pipeline("quick", JOB);
    const agent = await AgentProcess.start(bed);
    const submits = new Submits(agent, "quick", SUBMIT_EVERY_MS);
    let [missing, damaged, longestRestartMs] = [0, 0, 0];
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs));
      await agent.kill();
      // Tasks that are acknowledged after this line count for the next round.
      const answered = [...submits.acked.values()];
      if (!isSound(agent.data)) damaged += 1;
      const began = performance.now();
      await agent.restart();
      longestRestartMs = Math.max(longestRestartMs, Math.round(performance.now() - began));
      const there = await listed(agent);
      missing += answered.filter((id) => !there.has(id)).length;
    }
    await submits.finish();
    const end = submits.compare(await listed(agent));
    missing += end.missing;
    return { cycles, acknowledged: submits.acked.size, missing, unknown: end.unknown, damaged, longestRestartMs };
  } finally {
    await bed.close();
  }
}

function isSound(data: string): boolean {
  const database = new DatabaseSync(join(data, "journal.sqlite"));
  try {
    const [row] = database.prepare("PRAGMA integrity_check").all();
    return row?.integrity_check === "ok";
  } finally {
    database.close();
  }
}
