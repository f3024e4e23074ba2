// `gantry backup`: copies the data of processes into one file, while they run.

import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { exists } from "@gantry/journal/archive/archive.ts";
import { checkJournal, copyJournal, isSqliteFile } from "@gantry/journal/sqlite/backup.ts";
import { type Pack, pack } from "tar-stream";
import { BACKUP_VERSION, type BackupEntry, MANIFEST, type Manifest } from "./backup-file.ts";
import type { Call } from "./table/command.ts";

/** Files beside the journals that a process needs to start. */
const KEPT = new Set(["admin-token", "gantry.json"]);
/** Left out on purpose: with it, whoever has the backup could read what it seals. */
const SEAL_KEY = "seal-key";
const LOGS = "logs";
const ARCHIVE = "archive";

export type BackupReport = {
  readonly journals: number;
  readonly files: number;
  readonly bytes: number;
  /** Archive folders, which are not in the backup and have to be copied separately. */
  readonly archives: readonly string[];
  /** Key files, which are left out on purpose. */
  readonly sealKeys: readonly string[];
};

export async function backup({
  io,
  flags: { data, to },
}: Call<{ readonly data: string; readonly to: string }>): Promise<number> {
  const { journals, files, bytes, archives, sealKeys } = await writeBackup(data, to, new Date());
  io.stdout(`${to}: ${counted(journals, "journal")} and ${counted(files, "file")}, ${counted(bytes, "byte")}\n`);
  for (const folder of archives) io.stdout(`Not in the backup: ${folder}. Copy this folder now.\n`);
  for (const file of sealKeys)
    io.stdout(
      `Not in the backup: ${file}. Keep a copy of it elsewhere: without it secret parameters cannot be read.\n`,
    );
  return 0;
}

/**
 * Writes the backup to a temporary file in the same folder and renames it when it is complete and on disk. Throws
 * `argument-unusable` when there is nothing to back up or the file exists, and `backup-damaged` when a copy is damaged.
 */
export async function writeBackup(data: string, to: string, now: Date): Promise<BackupReport> {
  if (await exists(to))
    throw new GantryError("argument-unusable", { argument: `The file ${to}`, problem: "It exists already." });
  const found = (await exists(data)) ? await findJournals(resolve(data)) : [];
  if (found.length === 0)
    throw new GantryError("argument-unusable", {
      argument: `The folder ${data}`,
      problem: "It does not exist, or there is no journal in it.",
    });
  const staging = await mkdtemp(join(dirname(resolve(to)), ".gantry-backup-"));
  try {
    const whole = join(staging, "whole");
    const manifest = await writeArchive(resolve(data), found, staging, whole, now);
    await rename(whole, to);
    const journals = manifest.files.filter(({ kind }) => kind === "journal").length;
    const bytes = (await stat(to)).size;
    return {
      journals,
      files: manifest.files.length - journals,
      bytes,
      archives: await findBeside(resolve(data), found, ARCHIVE),
      sealKeys: await findBeside(resolve(data), found, SEAL_KEY),
    };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function writeArchive(
  data: string,
  journals: readonly string[],
  staging: string,
  to: string,
  now: Date,
): Promise<Manifest> {
  const archive = pack();
  const file = createWriteStream(to, { flags: "wx", mode: 0o600, flush: true });
  const written = pipeline(archive, createGzip(), file);
  // A full disk rejects `written`, which is awaited only at the end: stop adding entries at once.
  written.catch((error: Error) => archive.destroy(error));
  const files: BackupEntry[] = [];
  for (const [at, path] of journals.entries()) {
    const copy = join(staging, `journal-${at}`);
    await copyJournal(join(data, path), copy);
    assertUndamaged(copy, path);
    files.push(await add(archive, copy, path, "journal"));
    await rm(copy);
  }
  // After the journals, so that a log contains at least what its task refers to. All names are listed first, so that a log
  // that is complete by then is complete in the backup.
  const folders = [...new Set(journals.map((path) => dirname(path)))];
  const besides = (await Promise.all(folders.map((folder) => listBeside(data, folder)))).flat();
  for (const path of besides) files.push(await add(archive, join(data, path), path, "file"));
  const manifest: Manifest = { version: BACKUP_VERSION, createdAt: now.toISOString(), files };
  archive.entry({ name: MANIFEST, mode: 0o600 }, JSON.stringify(manifest));
  archive.finalize();
  await written;
  return manifest;
}

function assertUndamaged(copy: string, path: string): void {
  try {
    checkJournal(copy);
  } catch (error) {
    throw new GantryError("backup-damaged", { file: path, problem: (error as Error).message }, { cause: error });
  }
}

/** Adds as many bytes as the file had when it was opened: a log may grow in the meantime. */
async function add(archive: Pack, from: string, path: string, kind: BackupEntry["kind"]): Promise<BackupEntry> {
  const handle = await open(from, "r");
  const { size } = await handle.stat();
  const hash = createHash("sha256");
  const header = { name: path, size, mode: 0o600 };
  try {
    if (size === 0) archive.entry(header, Buffer.alloc(0));
    else {
      const stream = createReadStream(from, { fd: handle, start: 0, end: size - 1, autoClose: false });
      stream.on("data", (chunk) => hash.update(chunk));
      await pipeline(stream, archive.entry(header));
    }
  } finally {
    await handle.close();
  }
  return { path, kind, bytes: size, sha256: hash.digest("hex") };
}

async function findBeside(data: string, journals: readonly string[], name: string): Promise<readonly string[]> {
  const folders = [...new Set(journals.map((path) => join(data, dirname(path), name)))];
  const there = await Promise.all(folders.map(exists));
  return folders.filter((_, at) => there[at]);
}

/** SQLite files below the folder, except lock files. The folders of runners and of the lab contain none. */
async function findJournals(data: string): Promise<readonly string[]> {
  const names = await listFiles(data, (folder) => ![LOGS, ARCHIVE, "cache"].includes(basename(folder)));
  const found: string[] = [];
  for (const path of names) {
    if (!/\.(sqlite|db)$/.test(path)) continue;
    if (await isSqliteFile(join(data, path))) found.push(path);
  }
  return found.sort();
}

async function listBeside(data: string, folder: string): Promise<readonly string[]> {
  const entries = await readdir(join(data, folder), { withFileTypes: true });
  const kept = entries.filter((entry) => entry.isFile() && KEPT.has(entry.name)).map(({ name }) => join(folder, name));
  const hasLogs = entries.some((entry) => entry.isDirectory() && entry.name === LOGS);
  const logs = hasLogs ? await listFiles(join(data, folder, LOGS), () => true) : [];
  return [...kept, ...logs.map((path) => join(folder, LOGS, path))];
}

/** Regular files below a folder, relative to it; links are not followed. */
async function listFiles(root: string, enter: (folder: string) => boolean, below = ""): Promise<readonly string[]> {
  const entries = await readdir(join(root, below), { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(below, entry.name);
    if (entry.isFile()) found.push(path);
    else if (entry.isDirectory() && enter(path)) found.push(...(await listFiles(root, enter, path)));
  }
  return found;
}
