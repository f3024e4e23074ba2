// Stops a script that writes more than its job may, or that fills the disk of the runner. There is no quota for a folder that
// works on every file system, so the free space is asked for every second, which costs nothing, and the folder is measured only
// when so much has gone that the job may have taken it.

import { lstat, readdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { pause } from "@gantry/runtime/clock.ts";

export type DiskLimit = {
  readonly clock: Clock;
  /** The folder of the attempt. */
  readonly folder: string;
  /** What it may hold, in MiB. */
  readonly limitMb: number;
};

const LOOK_MS = 1_000;
const MIB = 1_048_576;
/** With less free space than this, a job that uses more than a fifth of its limit is stopped. */
const RESERVE_MB = 512;

/** Resolves with the reason as soon as the folder has grown beyond the limit; never, when the signal is aborted before. */
export async function diskExceeded({ clock, folder, limitMb }: DiskLimit, signal: AbortSignal): Promise<GantryError> {
  let measuredAtMb = await freeMb(folder);
  for (;;) {
    await pause(clock, LOOK_MS, signal);
    if (signal.aborted) return new Promise(() => undefined);
    const free = await freeMb(folder);
    const isLow = free < RESERVE_MB;
    if (!isLow && measuredAtMb - free < limitMb / 4) continue;
    measuredAtMb = free;
    const used = await sizeMb(folder, limitMb);
    if (used > limitMb) return new GantryError("disk-limit", { limit: limitMb });
    if (isLow && used > limitMb / 5)
      return new GantryError("disk-full", { free: Math.round(free), used: Math.round(used) });
  }
}

async function freeMb(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return (bavail * bsize) / MIB;
}

/** Counts until the limit is passed. Files that vanish meanwhile count nothing. Links are not followed. */
async function sizeMb(folder: string, limitMb: number): Promise<number> {
  let bytes = 0;
  const open = [folder];
  for (let at = open.pop(); at !== undefined && bytes <= limitMb * MIB; at = open.pop()) {
    for (const entry of await readdir(at, { withFileTypes: true }).catch(() => [])) {
      const path = join(at, entry.name);
      if (entry.isDirectory()) open.push(path);
      else bytes += ((await lstat(path).catch(() => undefined))?.blocks ?? 0) * 512;
    }
  }
  return bytes / MIB;
}
