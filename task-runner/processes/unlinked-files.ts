// Measures the disk space of files that a job has removed and still holds open: no folder shows them, and they can keep
// growing.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * Bytes of the removed files that processes of the job hold open or have mapped, on the file system of its folder. A mapping
 * counts with its whole length. Linux only; elsewhere 0. Processes that end meanwhile count as 0.
 */
export function unlinkedBytes(folder: string): number {
  if (process.platform !== "linux") return 0;
  const { dev } = statSync(folder);
  const sizes = new Map<number, number>();
  for (const pid of processesOf(folder)) {
    for (const [inode, bytes] of [...openFiles(pid, dev), ...mappedFiles(pid, dev)])
      sizes.set(inode, Math.max(sizes.get(inode) ?? 0, bytes));
  }
  return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** The processes that have the job's folder in their environment, and all their descendants with any environment. */
function processesOf(folder: string): ReadonlySet<number> {
  const all = attempt(() => readdirSync("/proc"), []).filter((name) => /^\d+$/.test(name));
  const parents = new Map(all.map((pid) => [Number(pid), parentOf(pid)]));
  const isMarked = (pid: number): boolean =>
    attempt(() => readFileSync(`/proc/${pid}/environ`, "utf8"), "")
      .split("\0")
      .includes(`GANTRY_JOB_FOLDER=${folder}`);
  const found = new Set([...parents.keys()].filter((pid) => pid !== process.pid && isMarked(pid)));
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const [pid, parent] of parents) if (parent !== undefined && found.has(parent)) found.add(pid);
  }
  return found;
}

/** See proc(5): the program's name is in parentheses and may contain any character. */
function parentOf(pid: string): number | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"), "");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[1] === undefined ? undefined : Number(fields[1]);
}

function openFiles(pid: number, dev: number): (readonly [inode: number, bytes: number])[] {
  const folder = `/proc/${pid}/fd`;
  return attempt(() => readdirSync(folder), []).flatMap((name) => {
    const facts = attempt(() => statSync(join(folder, name)), undefined);
    return facts?.isFile() && facts.nlink === 0 && facts.dev === dev ? [[facts.ino, facts.blocks * 512] as const] : [];
  });
}

/** Lines such as `7f00-7f80 rw-s 00000000 fe:00 1234 /file (deleted)`, numbers in hex except the inode's. */
function mappedFiles(pid: number, dev: number): (readonly [inode: number, bytes: number])[] {
  const lengths = new Map<number, number>();
  for (const line of attempt(() => readFileSync(`/proc/${pid}/maps`, "utf8"), "").split("\n")) {
    const [, from, to, major, minor, inode] = MAPPING.exec(line) ?? [];
    if (from === undefined || to === undefined || inode === undefined) continue;
    const device = deviceOf(Number.parseInt(major ?? "", 16), Number.parseInt(minor ?? "", 16));
    const length = Number.parseInt(to, 16) - Number.parseInt(from, 16);
    if (device === dev) lengths.set(Number(inode), (lengths.get(Number(inode)) ?? 0) + length);
  }
  return [...lengths];
}

const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ ([0-9a-f]+):([0-9a-f]+) (\d+) +\/.* \(deleted\)$/;

/** In the format of `st_dev`: see makedev(3). Numbers beyond 32 bits do not occur. */
function deviceOf(major: number, minor: number): number {
  return (minor & 0xff) + (major & 0xfff) * 0x100 + (minor >> 8) * 0x100000;
}

/** Processes and their files can disappear at any moment, and some may not be inspected. */
function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
