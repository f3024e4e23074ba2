// Logs in the archive, one gzip file each: `<day>/logs/<task>/<job>/<attempt>/<step>.log.gz`. A log is on the archive's disk
// before it is removed from the log folder, and a shorter log never replaces a longer one.

import { createReadStream, createWriteStream } from "node:fs";
import { open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { dayOfTask } from "@gantry/core/task/task-id.ts";
import { makeFolder, syncFolder } from "@gantry/journal/archive/archive.ts";
import { type LogName, type LogPart, type LogStore, pathOf } from "./log-store.ts";

/**
 * Writes all logs of a task to the archive; durable when it resolves. Rejects when the disk fails. Several agents may do
 * this at once if each has its own name as `writer`; a log that disappears meanwhile was archived by another agent.
 */
export async function archiveLogs(logs: string, archive: string, task: string, writer?: string): Promise<void> {
  const day = dayOfTask(task);
  if (day === undefined) return;
  const names = await unlessGone(readdir(join(logs, task), { recursive: true }));
  for (const name of names?.filter((one) => one.endsWith(".log")) ?? []) {
    const from = join(logs, task, name);
    await archiveLog(from, `${join(archive, day, "logs", task, name)}.gz`, writer);
  }
}

async function archiveLog(from: string, to: string, writer: string | undefined): Promise<void> {
  // An open file can be read to its end even when another agent removes it.
  const log = await unlessGone(open(from, "r"));
  if (!log) return;
  try {
    const { size } = await log.stat();
    // Reading a log that does not exist leaves an empty file behind.
    if (size === 0 || size <= (await lengthOf(to))) return;
    const part = `${to}${writer === undefined ? "" : `.${writer}`}.part`;
    await makeFolder(dirname(to));
    const source = createReadStream(from, { fd: log, autoClose: false });
    await pipeline(source, createGzip(), createWriteStream(part, { mode: 0o600, flush: true }));
    await rename(part, to);
    await syncFolder(dirname(to));
  } finally {
    await log.close();
  }
}

/** Undefined when the file or folder does not exist any more. */
async function unlessGone<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Removes the logs of a task. They must be in the archive, unless the policy keeps no logs there. */
export async function removeLogs(logs: string, task: string): Promise<void> {
  await rm(join(logs, task), { recursive: true, force: true });
}

/** Reads archived logs as well; those are final. */
export function withArchivedLogs(inner: LogStore, archive: string): LogStore {
  return {
    ...inner,
    read: async (name, query) => {
      const day = dayOfTask(name.task);
      const path = day === undefined ? undefined : archivedPath(archive, day, name);
      const size = path === undefined ? 0 : await lengthOf(path);
      return path === undefined || size === 0 ? inner.read(name, query) : readArchived(path, size, query);
    },
  };
}

function archivedPath(archive: string, day: string, name: LogName): string {
  return `${pathOf(join(archive, day, "logs"), name)}.gz`;
}

/**
 * Length of the log, read from the last four bytes of the gzip file; 0 when the file does not exist. It is modulo 4 GiB, so
 * longer logs are cut.
 */
async function lengthOf(path: string): Promise<number> {
  try {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      const last = Buffer.alloc(4);
      await file.read(last, 0, 4, Math.max(0, size - 4));
      return last.readUInt32LE();
    } finally {
      await file.close();
    }
  } catch (error) {
    // A file in the place of the archive's folder is reported when the archive is written.
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return 0;
    throw error;
  }
}

/** Decompresses from the beginning each time: old logs are rarely read. */
async function readArchived(
  path: string,
  size: number,
  { from, limit }: { readonly from: number; readonly limit: number },
): Promise<LogPart> {
  const to = Math.min(size, from + limit);
  const parts: Buffer[] = [];
  let at = 0;
  if (from < to) {
    const source = createReadStream(path);
    const gunzip = createGunzip();
    source.once("error", (error) => gunzip.destroy(error));
    try {
      for await (const chunk of source.pipe(gunzip) as AsyncIterable<Buffer>) {
        parts.push(chunk.subarray(Math.max(0, from - at), Math.max(0, to - at)));
        at += chunk.length;
        if (at >= to) break;
      }
    } finally {
      source.destroy();
    }
  }
  return { bytes: Buffer.concat(parts), size, final: true };
}
