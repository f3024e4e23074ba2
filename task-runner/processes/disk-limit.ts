// Stops a script that writes more than its job may, or that fills the disk of the runner. No folder quota works on every
// file system, so the free space is checked every second, which is cheap. The folder is measured only when so much space has
// disappeared that the job may have used it.

import { lstat, readdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { pause } from "@gantry/runtime/clock.ts";
import { unlinkedBytes } from "./unlinked-files.ts";

export type DiskLimit = {
  readonly clock: Clock;
  /** The folder of the attempt. */
  readonly folder: string;
  /** The limit, in MiB. */
  readonly limitMb: number;
};

const LOOK_MS = 1_000;
const MIB = 1_048_576;
/** With less free space than this, a job that uses more than a fifth of its limit is stopped. */
const RESERVE_MB = 512;
/** The same for the number of files: the free share of what the file system can hold. */
const RESERVE_FILES = 0.05;
/** An empty file counts as much as a small one, because the number of files is limited, too. */
const MIN_FILE = 4_096;

type Free = { readonly mb: number; readonly files: number; readonly isLow: boolean };

/** Resolves with the reason as soon as the folder exceeds the limit; never resolves if the signal is aborted first. */
export async function diskExceeded({ clock, folder, limitMb }: DiskLimit, signal: AbortSignal): Promise<GantryError> {
  let measuredAt = await freeSpace(folder);
  for (;;) {
    await pause(clock, LOOK_MS, signal);
    if (signal.aborted) return new Promise(() => undefined);
    const free = await freeSpace(folder);
    const grownMb = Math.max(measuredAt.mb - free.mb, ((measuredAt.files - free.files) * MIN_FILE) / MIB);
    if (!free.isLow && grownMb < limitMb / 4) continue;
    measuredAt = free;
    const used = (await sizeMb(folder, limitMb)) + unlinkedBytes(folder) / MIB;
    if (used > limitMb) return new GantryError("disk-limit", { limit: limitMb });
    if (free.isLow && used > limitMb / 5)
      return new GantryError("disk-full", { free: Math.round(free.mb), used: Math.round(used) });
  }
}

async function freeSpace(folder: string): Promise<Free> {
  const { bavail, bsize, files, ffree } = await statfs(folder);
  const mb = (bavail * bsize) / MIB;
  // Some file systems do not limit the number of files, and report 0.
  return { mb, files: ffree, isLow: mb < RESERVE_MB || (files > 0 && ffree < files * RESERVE_FILES) };
}

/**
 * Counts until the limit is exceeded. Files that disappear meanwhile count as 0. Links are not followed. A folder whose path
 * is too long for the system exceeds the limit: it can be created only step by step, to hide its content.
 */
async function sizeMb(folder: string, limitMb: number): Promise<number> {
  let bytes = 0;
  const open = [folder];
  for (let at = open.pop(); at !== undefined && bytes <= limitMb * MIB; at = open.pop()) {
    const entries = await readdir(at, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENAMETOOLONG") bytes = Number.POSITIVE_INFINITY;
      return [];
    });
    for (const entry of entries) {
      if (bytes > limitMb * MIB) break;
      const path = join(at, entry.name);
      if (entry.isDirectory()) open.push(path);
      const blocks = (await lstat(path).catch(() => undefined))?.blocks ?? 0;
      bytes += Math.max(blocks * 512, MIN_FILE);
    }
  }
  return bytes / MIB;
}
