// The /etc of a sandbox: a folder with copies of the files that programs need, created once per runner. Mounting it costs a
// fraction of one mount per file.

import { chmodSync, copyFileSync, renameSync, type Stats, statSync, utimesSync } from "node:fs";
import { lstat, mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { threadId } from "node:worker_threads";

/** Plain data, so that it can be sent to another thread. */
export type EtcView = {
  /** Shown as /etc. */
  readonly folder: string;
  /** Paths below /etc whose files are copied. */
  readonly files: readonly string[];
};

export type EtcChoice = {
  /** To be copied. */
  readonly files: readonly string[];
  /** To be mounted: they have so many files that comparing them with their copies would cost more. */
  readonly folders: readonly string[];
};

/** A folder with more entries is mounted. */
const MAX_COPIED = 60;

/**
 * What of these files and folders is shown. Only what everybody may read: the script of a runner that is root is the machine's
 * root without its capabilities, so it can read what belongs to root, such as /etc/ssl/private.
 */
export async function chooseEtc(paths: readonly string[]): Promise<EtcChoice> {
  const all = await Promise.all(paths.map((path) => choiceAt(path)));
  return { files: all.flatMap(({ files }) => files), folders: all.flatMap(({ folders }) => folders) };
}

const NOTHING: EtcChoice = { files: [], folders: [] };

async function choiceAt(path: string): Promise<EtcChoice> {
  const facts = await stat(path).catch(() => undefined);
  if (!facts || !isForAll(facts)) return NOTHING;
  if (facts.isFile()) return { files: [path], folders: [] };
  if (!facts.isDirectory()) return NOTHING;
  const inside = await readdir(path, { recursive: true }).catch(() => undefined);
  if (inside && inside.length > MAX_COPIED && (await areForAll(inside.map((name) => join(path, name)))))
    return { files: [], folders: [path] };
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  const places = entries.map((entry) => join(path, entry.name));
  // Links to folders may lead in circles.
  const isCircle = async (index: number): Promise<boolean> =>
    entries[index]?.isSymbolicLink() === true && (await isFolder(places[index] ?? path));
  const circles = await Promise.all(places.map((_, index) => isCircle(index)));
  return chooseEtc(places.filter((_, index) => circles[index] !== true));
}

async function areForAll(paths: readonly string[]): Promise<boolean> {
  const all = await Promise.all(paths.map((path) => lstat(path).catch(() => undefined)));
  return all.every((facts) => facts === undefined || facts.isSymbolicLink() || isForAll(facts));
}

function isForAll(facts: Stats): boolean {
  const needed = facts.isDirectory() ? 0o005 : 0o004;
  return (facts.mode & needed) === needed;
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
}

/** `mounts`: paths below /etc that are mounted over the view, which therefore needs something there. */
export async function makeEtcView(
  folder: string,
  files: readonly string[],
  mounts: readonly string[],
): Promise<EtcView> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
  // Readable for everyone, like /etc; its parent folder is not.
  await mkdir(folder, { mode: 0o755 });
  const view = { folder, files };
  for (const path of files) await mkdir(dirname(placeOf(view, path)), { recursive: true });
  for (const path of mounts) {
    const place = placeOf(view, path);
    await mkdir(dirname(place), { recursive: true });
    if (statSync(path).isDirectory()) await mkdir(place, { recursive: true });
    else await writeFile(place, "");
  }
  copyChanges(view);
  return view;
}

/** How old what a script sees may be: with 140 files, a look at all of them takes half a millisecond. */
const FRESH_MS = 1_000;

/** By the folder of the view. */
const freshUntil = new Map<string, number>();

/**
 * Copies what has changed, such as the addresses of name servers. Called before every script. Files that are gone or cannot be read
 * keep their last copy. Several threads may call it at once.
 */
export function refreshEtcView(view: EtcView, nowMs: number): void {
  if (nowMs < (freshUntil.get(view.folder) ?? 0)) return;
  freshUntil.set(view.folder, nowMs + FRESH_MS);
  copyChanges(view);
}

function copyChanges(view: EtcView): void {
  for (const path of view.files) {
    const place = placeOf(view, path);
    const [now, copied] = [factsOf(path), factsOf(place)];
    // A copy gets the modification time of its original.
    if (!now?.isFile() || (copied?.size === now.size && Math.abs(copied.mtimeMs - now.mtimeMs) < 1)) continue;
    const fresh = `${place}.${process.pid}-${threadId}.new`;
    try {
      copyFileSync(path, fresh);
      utimesSync(fresh, now.atime, now.mtime);
      chmodSync(fresh, now.mode & 0o444);
      renameSync(fresh, place);
    } catch (error) {
      if (!["EACCES", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
}

function placeOf({ folder }: EtcView, path: string): string {
  return join(folder, path.slice("/etc/".length));
}

function factsOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
