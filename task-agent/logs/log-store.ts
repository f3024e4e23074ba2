// The logs of steps: one file each, appended by byte offset. The runner's own spool is the copy that survives a crash of
// this process, so appends are not fsynced: after a crash the size on disk is the truth, and the runner rewinds to it.

import { type FileHandle, mkdir, open as openFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { GantryError } from "@gantry/core/errors.ts";
import { exists } from "@gantry/journal/archive/archive.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";

export type LogName = { readonly task: string; readonly job: string; readonly attempt: number; readonly step: string };
export type LogPart = { readonly bytes: Buffer; readonly size: number; readonly final: boolean };

export type LogStore = {
  /**
   * Appends at an offset and answers the size after it. What overlaps must be equal (`log-differs`); a gap is `log-rewind`.
   * Appends to one log are done one after the other.
   */
  readonly append: (name: LogName, offset: number, bytes: Buffer, crc: number, final: boolean) => Promise<number>;
  /** Bytes from an offset, at most `limit`; with `waitMs` it holds until there are some or the log is final. */
  readonly read: (
    name: LogName,
    query: { from: number; limit: number; waitMs?: number; gone?: AbortSignal },
  ) => Promise<LogPart>;
  readonly close: () => Promise<void>;
};

type OpenLog = {
  file: FileHandle;
  size: number;
  final: boolean;
  turn: Promise<unknown>;
  readonly waiters: Set<() => void>;
  usedMs: number;
};

const MAX_OPEN = 256;

/** What another agent has written is looked for so often while a reader waits. */
const LOOK_EVERY_MS = 1_000;

/** `shared`: other agents write to the same folder. */
export function openLogStore(folder: string, clock: Clock, { shared = false } = {}): LogStore {
  const logs = new Map<string, OpenLog>();
  const opening = new Map<string, Promise<OpenLog>>();

  const open = async (name: LogName): Promise<OpenLog> => {
    const path = pathOf(folder, name);
    const known = logs.get(path);
    if (known) {
      known.usedMs = clock.monotonicMs();
      return known;
    }
    const already = opening.get(path) ?? openLog(path, clock.monotonicMs());
    opening.set(path, already);
    try {
      const log = await already;
      logs.set(path, log);
      await closeOldest(logs);
      return log;
    } finally {
      opening.delete(path);
    }
  };

  return {
    append: async (name, offset, bytes, crc, final) => {
      if (crc32(bytes) !== crc)
        throw new GantryError("bad-request", { problem: "the checksum of the log bytes is wrong" });
      const log = await open(name);
      const work = log.turn.then(async () => {
        if (shared) await lookAgain(log, pathOf(folder, name));
        return appendTo(log, pathOf(folder, name), offset, bytes, final);
      });
      log.turn = work.catch(() => undefined);
      return work;
    },
    read: async (name, { from, limit, waitMs = 0, gone }) => {
      if (waitMs === 0 && !(await exists(pathOf(folder, name))))
        return { bytes: Buffer.alloc(0), size: 0, final: false };
      const log = await open(name);
      if (shared) await lookAgain(log, pathOf(folder, name));
      if (waitMs > 0 && !log.final && log.size <= from) {
        await pause(clock, shared ? Math.min(waitMs, LOOK_EVERY_MS) : waitMs, gone, (wake) => {
          log.waiters.add(wake);
          return () => log.waiters.delete(wake);
        });
        if (shared) await lookAgain(log, pathOf(folder, name));
      }
      const length = Math.max(0, Math.min(limit, log.size - from));
      const bytes = Buffer.alloc(length);
      if (length > 0) await log.file.read(bytes, 0, length, from);
      return { bytes, size: log.size, final: log.final };
    },
    close: async () => {
      for (const log of logs.values()) {
        await log.turn;
        await log.file.close();
      }
      logs.clear();
    },
  };
}

async function appendTo(log: OpenLog, path: string, offset: number, bytes: Buffer, final: boolean): Promise<number> {
  if (offset > log.size) throw new GantryError("log-rewind", { ack: log.size, offset });
  const overlap = Math.min(bytes.length, log.size - offset);
  if (overlap > 0) {
    const known = Buffer.alloc(overlap);
    await log.file.read(known, 0, overlap, offset);
    if (!known.equals(bytes.subarray(0, overlap))) throw new GantryError("log-differs");
  }
  const fresh = bytes.subarray(overlap);
  if (fresh.length > 0 && log.final) throw new GantryError("log-differs");
  for (let done = 0; done < fresh.length; ) {
    // On a full disk fewer bytes are written than asked for, and the next write fails.
    const { bytesWritten } = await withDiskErrors(() => log.file.write(fresh, done, fresh.length - done, log.size));
    done += bytesWritten;
    log.size += bytesWritten;
  }
  if (final && !log.final) {
    log.final = true;
    await (await openFile(`${path}.final`, "w")).close();
  }
  for (const wake of log.waiters) wake();
  return log.size;
}

/** A disk that is full or broken may be well again; the runner keeps the bytes until then. */
async function withDiskErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (!["ENOSPC", "EDQUOT", "EIO", "EROFS"].includes(code)) throw error;
    throw new GantryError(
      "unavailable",
      { what: "The log store", problem: `Its disk says ${code}.` },
      { cause: error },
    );
  }
}

async function openLog(path: string, usedMs: number): Promise<OpenLog> {
  await mkdir(dirname(path), { recursive: true });
  const file = await openFile(path, (await exists(path)) ? "r+" : "w+");
  return {
    file,
    size: (await file.stat()).size,
    final: await exists(`${path}.final`),
    turn: Promise.resolve(),
    waiters: new Set(),
    usedMs,
  };
}

/** How far another agent has come with it. */
async function lookAgain(log: OpenLog, path: string): Promise<void> {
  log.size = Math.max(log.size, (await log.file.stat()).size);
  log.final ||= await exists(`${path}.final`);
}

async function closeOldest(logs: Map<string, OpenLog>): Promise<void> {
  if (logs.size <= MAX_OPEN) return;
  const idle = [...logs].filter(([, log]) => log.waiters.size === 0).toSorted(([, a], [, b]) => a.usedMs - b.usedMs);
  for (const [path, log] of idle.slice(0, logs.size - MAX_OPEN)) {
    logs.delete(path);
    await log.turn;
    await log.file.close();
  }
}

/** Where a log is. Names come from runners: every part becomes one harmless file name. */
export function pathOf(folder: string, { task, job, attempt, step }: LogName): string {
  const part = (text: string): string => encodeURIComponent(text).replace(/\./g, "%2E").slice(0, 200);
  return join(folder, part(task), part(job), String(attempt), `${part(step)}.log`);
}
