// Full and failing disks, and how often the agent really syncs to disk.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AgentProcess, TestBed } from "../../processes/agent-process.ts";

/** More requests than the last failing sync, so that each of these syncs happens. */
const SUBMITS_OF_ROUND = 60;
const JOB = '  work: { site: seoul, retrySafe: true, steps: [{ id: make, title: Make, run: "true" }] }';

/** Why this machine cannot do it; undefined when it can. */
export function noTmpfs(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "only root on Linux can mount a small disk";
  return undefined;
}

export function noStrace(): string | undefined {
  try {
    execFileSync("strace", ["-f", "-o", "/dev/null", "-e", "trace=fsync", "true"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "strace is not here, or may not trace";
  }
}

export type DiskFigures = {
  readonly rounds: number;
  readonly accepted: number;
  /** Answers 503 `unavailable` while the disk was full or at fault. */
  readonly refused: number;
  /** Other errors. Must be 0. */
  readonly strange: number;
  /** Tasks that were accepted but are missing, or the reverse, after all requests were repeated. Must be 0. */
  readonly halfDone: number;
  /** Rounds after which requests were accepted again, without a restart. Must be `rounds`. */
  readonly recovered: number;
  readonly isSound: boolean;
};

type Tally = { accepted: Map<string, string>; refused: number; strange: number };

async function ask(agent: AgentProcess, key: string, tally: Tally): Promise<boolean> {
  try {
    tally.accepted.set(key, (await agent.start("quick", key)).id);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "unavailable") tally.refused += 1;
    else tally.strange += 1;
    return false;
  }
}

/** Fills the disk of the agent and frees it again, `rounds` times. */
export async function fillDisk(rounds: number): Promise<DiskFigures> {
  const bed = await TestBed.open();
  const disk = join(bed.folder, "disk");
  mkdirSync(disk);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", disk]);
  try {
    await bed.pipeline("quick", JOB);
    const agent = await AgentProcess.start(bed, { data: join(disk, "agent") });
    const tally: Tally = { accepted: new Map(), refused: 0, strange: 0 };
    let [keys, recovered] = [0, 0];
    for (let round = 0; round < rounds; round += 1) {
      fill(disk, join(disk, "filler"));
      let refusals = 0;
      for (let n = 0; n < 500 && refusals < 20; n += 1) {
        keys += 1;
        if (!(await ask(agent, `key-${keys}`, tally))) refusals += 1;
      }
      if (refusals === 0) throw new Error("the disk was not full");
      rmSync(join(disk, "filler"));
      keys += 1;
      if (await ask(agent, `key-${keys}`, tally)) recovered += 1;
    }
    return await check(agent, keys, tally, { rounds, recovered });
  } finally {
    await bed.close().catch(() => {});
    execFileSync("umount", ["--lazy", disk]);
    rmSync(bed.folder, { recursive: true, force: true });
  }
}

/** Lets the nth sync fail with EIO, for many n, with one process each. */
export async function failSync(rounds: number): Promise<DiskFigures> {
  const bed = await TestBed.open();
  try {
    await bed.pipeline("quick", JOB);
    const tally: Tally = { accepted: new Map(), refused: 0, strange: 0 };
    let [keys, recovered] = [0, 0];
    const data = join(bed.folder, "agent");
    // A start that fails has accepted nothing, so its syncs are spared. The first start of a folder makes more than later ones.
    await syncsOfStart(bed, data);
    const atStart = await syncsOfStart(bed, data);
    for (let round = 1; round <= rounds; round += 1) {
      const when = `inject=fsync,fdatasync:error=EIO:when=${atStart + round}`;
      const before = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", when];
      const agent = await AgentProcess.start(bed, { data, before });
      for (let n = 0; n < SUBMITS_OF_ROUND; n += 1) {
        keys += 1;
        await ask(agent, `key-${keys}`, tally);
      }
      keys += 1;
      if (await ask(agent, `key-${keys}`, tally)) recovered += 1;
      await agent.kill();
    }
    // Without strace, because only the result is checked now.
    return await check(await AgentProcess.start(bed, { data }), keys, tally, { rounds, recovered });
  } finally {
    await bed.close();
  }
}

/** Starts a task-agent, ends it, and answers how many syncs its start made. */
async function syncsOfStart(bed: TestBed, data: string): Promise<number> {
  const trace = join(bed.folder, "trace-of-start");
  const before = ["strace", "-f", "-qq", "-o", trace, "-e", "trace=fsync,fdatasync"];
  const agent = await AgentProcess.start(bed, { data, before });
  const count = countOf(trace);
  await agent.kill();
  return count;
}

function countOf(trace: string): number {
  return readFileSync(trace, "utf8")
    .split("\n")
    .filter((line) => /f(data)?sync\(/.test(line)).length;
}

/** Counts the syncs for a number of acknowledged tasks, requested one after the other. */
export async function countSyncs(tasks: number): Promise<{ readonly tasks: number; readonly syncs: number }> {
  const bed = await TestBed.open();
  try {
    await bed.pipeline("quick", JOB);
    const trace = join(bed.folder, "trace");
    const before = ["strace", "-f", "-qq", "-o", trace, "-e", "trace=fsync,fdatasync"];
    const agent = await AgentProcess.start(bed, { before });
    const atStart = countOf(trace);
    for (let n = 0; n < tasks; n += 1) await agent.start("quick", `key-${n}`);
    const syncs = countOf(trace) - atStart;
    return { tasks, syncs };
  } finally {
    await bed.close();
  }
}

async function check(
  agent: AgentProcess,
  keys: number,
  tally: Tally,
  { rounds, recovered }: { rounds: number; recovered: number },
): Promise<DiskFigures> {
  const accepted = tally.accepted.size;
  const { refused, strange } = tally;
  for (let key = 1; key <= keys; key += 1) {
    const known = tally.accepted.get(`key-${key}`);
    const again = await agent.start("quick", `key-${key}`);
    if (known !== undefined && known !== again.id) throw new Error(`key-${key} is task ${known} and ${again.id}`);
    tally.accepted.set(`key-${key}`, again.id);
  }
  const ids = new Set<string>();
  for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
    const page = await agent.client.tasks({ limit: 1_000, ...(cursor === undefined ? {} : { cursor }) });
    for (const { id } of page.items) ids.add(id);
    cursor = page.nextCursor;
  }
  const wanted = new Set(tally.accepted.values());
  const halfDone = [...ids].filter((id) => !wanted.has(id)).length + [...wanted].filter((id) => !ids.has(id)).length;
  const database = new DatabaseSync(join(agent.data, "journal.sqlite"), { readOnly: true });
  const isSound = database.prepare("PRAGMA integrity_check").get()?.integrity_check === "ok";
  database.close();
  return { rounds, accepted, refused, strange, halfDone, recovered, isSound };
}

function fill(disk: string, file: string): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(file, Buffer.alloc(Math.max(0, bavail * bsize - 16_384)));
}
