// kill -9 of a task-agent under submits, again and again: what it had acknowledged must be there.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AgentProcess, Ground } from "./processes.ts";

export type KillAgentFigures = {
  readonly cycles: number;
  readonly acknowledged: number;
  /** Acknowledged, and not there after the restart. Must be 0. */
  readonly missing: number;
  /** There, and never asked for, or twice for one key. Must be 0. */
  readonly unknown: number;
  /** Restarts after which SQLite found a fault in the file. Must be 0. */
  readonly damaged: number;
  readonly longestRestartMs: number;
};

const SUBMIT_EVERY_MS = 20;
/** A new store after so many: everything in it is looked at after each restart, and that takes longer each time. */
const CYCLES_OF_STORE = 50;
const JOB = '  work: { site: seoul, retrySafe: true, steps: [{ id: make, title: Make, run: "true" }] }';

/** `tell` hears the figures so far, whenever a store is done. */
export async function killAgent(
  cycles: number,
  longestMs: number,
  tell: (sum: KillAgentFigures) => void = () => {},
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
    tell(sum);
  }
  return sum;
}

async function killAgentOfOneStore(cycles: number, longestMs: number): Promise<KillAgentFigures> {
  const ground = await Ground.open();
  try {
    await ground.pipeline("quick", JOB);
    const agent = await AgentProcess.start(ground);
    const acked = new Map<string, string>();
    let keys = 0;
    let [missing, damaged, longestRestartMs] = [0, 0, 0];
    let isClosing = false;

    const submit = async (key: string): Promise<void> => {
      try {
        const task = await agent.start("quick", key);
        const known = acked.get(key);
        if (known !== undefined && known !== task.id) throw new Error(`key ${key} is task ${known} and ${task.id}`);
        acked.set(key, task.id);
      } catch (error) {
        // Killed in the middle: nobody knows, so it is asked again with the same key, at the end.
        if (!(error instanceof Error) || (error as { code?: string }).code !== "unavailable") throw error;
      }
    };
    const submitting = async (): Promise<void> => {
      const open: Promise<void>[] = [];
      while (!isClosing) {
        keys += 1;
        open.push(submit(`key-${keys}`));
        await new Promise((resolve) => setTimeout(resolve, SUBMIT_EVERY_MS));
      }
      await Promise.all(open);
    };
    const load = submitting();
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs));
      await agent.kill();
      // Whoever was answered is in this list; what comes after it is for the next round.
      const answered = [...acked.values()];
      if (!isSound(agent.data)) damaged += 1;
      const began = performance.now();
      await agent.restart();
      longestRestartMs = Math.max(longestRestartMs, Math.round(performance.now() - began));
      const there = await listed(agent);
      missing += answered.filter((id) => !there.has(id)).length;
    }
    isClosing = true;
    await load;
    for (let key = 1; key <= keys; key += 1) if (!acked.has(`key-${key}`)) await submit(`key-${key}`);
    const ids = await listed(agent);
    const wanted = new Set(acked.values());
    missing += [...wanted].filter((id) => !ids.has(id)).length;
    const unknown = [...ids].filter((id) => !wanted.has(id)).length + (keys - wanted.size);
    return { cycles, acknowledged: acked.size, missing, unknown, damaged, longestRestartMs };
  } finally {
    await ground.close();
  }
}

async function listed(agent: AgentProcess): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await agent.client.tasks({ limit: 1_000, ...(cursor === undefined ? {} : { cursor }) });
    for (const { id } of page.items) ids.add(id);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return ids;
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
