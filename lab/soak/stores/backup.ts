// The restore drill: a backup is made while tasks are requested, everything is wiped, and the backup is restored. SQLite uses
// `gantry backup` and `gantry restore`; Redis uses a copy of its append-only file.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fillWithOld } from "../../bench/load/old-tasks.ts";
import { type RedisServer, startRedis } from "../../faults/redis/server.ts";
import { AgentProcess, TestBed } from "../../processes/agent-process.ts";
import { listed, Submits } from "../kills/submits.ts";
import { JOB, makeSeeds, opener } from "./retention.ts";

export type BackupFigures = {
  /** Tasks in the store when the backup started. */
  readonly tasks: number;
  readonly backupS: number;
  readonly backupMb: number;
  /** Tasks requested while the backup was made. */
  readonly requestedMeanwhile: number;
  /** Time to restore the files, and from then until the task-agent was ready. */
  readonly restoreS: number;
  readonly readyS: number;
  /** Acknowledged before the backup and missing afterwards; there but never requested. Both must be 0. */
  readonly missing: number;
  readonly unknown: number;
};

const CLI = fileURLToPath(new URL("../../../cli/gantry", import.meta.url));
const DAY_MS = 86_400_000;
const SUBMIT_EVERY_MS = 20;
const BEFORE_MS = 500;

export async function backUpAndRestore(store: "sqlite" | "redis", count: number): Promise<BackupFigures> {
  const bed = await TestBed.open();
  const redis = store === "redis" ? await startRedis() : undefined;
  try {
    await bed.pipeline("quick", JOB);
    const data = join(bed.folder, "a");
    const journal = redis && { kind: "redis", address: `${redis.host}:${redis.port}`, waitReplicas: 0 };
    const config = { name: "a", ...(journal ? { journal } : {}) };
    const agent = await AgentProcess.start(bed, { data, config });
    const { ended, open } = await makeSeeds(agent);
    const store = await opener(bed, redis)();
    const filled = await fillWithOld(store, { seed: ended, count, from: Date.now() - DAY_MS, everyMs: 1 });
    await store.close();
    await agent.restart();

    const submits = new Submits(agent, "quick", SUBMIT_EVERY_MS);
    await new Promise((resolve) => setTimeout(resolve, BEFORE_MS));
    const before = [ended, open, ...filled.ids, ...submits.acked.values()];
    const place = redis ? await redisBackup(bed, redis) : sqliteBackup(bed, data);
    const backup = await timed(place.make);
    const requestedMeanwhile = 2 + filled.ids.length + submits.acked.size - before.length;
    await submits.finish();
    await agent.kill();
    await rm(data, { recursive: true });
    const restore = await timed(place.restore);
    const ready = await timed(() => agent.restart());

    const there = await listed(agent);
    const known = new Set([...before, ...submits.acked.values()]);
    return {
      tasks: before.length,
      backupS: backup.seconds,
      backupMb: Math.round(backup.answer / 100_000) / 10,
      requestedMeanwhile,
      restoreS: restore.seconds,
      readyS: ready.seconds,
      missing: before.filter((id) => !there.has(id)).length,
      unknown: [...there.keys()].filter((id) => !known.has(id)).length,
    };
  } finally {
    await bed.close();
    await redis?.dispose();
  }
}

/** `make` returns the size of the backup in bytes. */
type Place = { readonly make: () => Promise<number>; readonly restore: () => Promise<void> };

function sqliteBackup(bed: TestBed, data: string): Place {
  const file = join(bed.folder, "backup.tgz");
  const run = async (...argv: string[]): Promise<void> => {
    const child = spawn(CLI, argv, { stdio: ["ignore", "ignore", "inherit"] });
    const [code] = await once(child, "exit");
    if (code !== 0) throw new Error(`gantry ${argv[0]} ended with ${code}`);
  };
  return {
    make: async () => {
      await run("backup", "--data", data, "--to", file);
      return (await stat(file)).size;
    },
    restore: () => run("restore", "--from", file, "--data", data),
  };
}

/** As in docs/operations.md: the machine of Redis and the folder of the agent are lost, the copy is kept elsewhere. */
async function redisBackup(bed: TestBed, redis: RedisServer): Promise<Place> {
  const answer = (text: string): string => text.split("\r\n").at(-1) ?? "";
  const folder = answer(await redis.command("CONFIG", "GET", "dir"));
  const percentage = answer(await redis.command("CONFIG", "GET", "auto-aof-rewrite-percentage"));
  const [files, copy] = [join(folder, "appendonlydir"), join(bed.folder, "redis-copy")];
  return {
    make: async () => {
      await redis.command("CONFIG", "SET", "auto-aof-rewrite-percentage", "0");
      while (!/aof_rewrite_in_progress:0/.test(await redis.command("INFO", "persistence")))
        await new Promise((resolve) => setTimeout(resolve, 50));
      await cp(files, copy, { recursive: true });
      await redis.command("CONFIG", "SET", "auto-aof-rewrite-percentage", percentage);
      return sizeOf(copy);
    },
    restore: async () => {
      await redis.kill();
      await rm(folder, { recursive: true });
      await mkdir(folder);
      await cp(copy, files, { recursive: true });
      await redis.start();
    },
  };
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) bytes += (await stat(join(folder, name))).size;
  return bytes;
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly answer: T; readonly seconds: number }> {
  const began = performance.now();
  const answer = await work();
  return { answer, seconds: Math.round((performance.now() - began) / 100) / 10 };
}
