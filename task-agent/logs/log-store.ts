// The logs of steps: one file each, appended by byte offset. The runner keeps its own copy, which survives a crash of this
// process, so appends are not fsynced: after a crash the size on disk counts, and the runner sends the rest again.

import { open as openFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { GantryError } from "@gantry/core/errors.ts";
import { exists } from "@gantry/journal/archive/archive.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";
import { withDiskErrors } from "@gantry/runtime/disk-errors.ts";
import { type OpenLog, OpenLogs, refresh } from "./open-logs.ts";

export type LogName = { readonly task: string; readonly job: string; readonly attempt: number; readonly step: string };
export type LogPart = { readonly bytes: Buffer; readonly size: number; readonly final: boolean };

export type LogStore = {
  /**
   * Appends at a byte offset and returns the size afterwards. Appends to one log are done one after the other. Throws
   * `log-differs` when overlapping bytes differ, `log-rewind` for a gap, `bad-request` for a wrong checksum, and
   * `unavailable` when the disk fails.
   */
  readonly append: (name: LogName, offset: number, bytes: Buffer, crc: number, final: boolean) => Promise<number>;
  /** Bytes from an offset, at most `limit`. Waits up to `waitMs`, or until `gone` aborts, for bytes or the end of the log. */
  readonly read: (
    name: LogName,
    query: { from: number; limit: number; waitMs?: number; gone?: AbortSignal },
  ) => Promise<LogPart>;
  readonly close: () => Promise<void>;
};

/** While a reader waits, the file is checked this often for bytes that another agent has written. */
const REFRESH_MS = 1_000;

/** `shared`: other agents write to the same folder. */
export function openLogStore(folder: string, clock: Clock, { shared = false } = {}): LogStore {
  const logs = new OpenLogs(clock);

  const read: LogStore["read"] = async (name, { from, limit, waitMs = 0, gone }) => {
    const path = pathOf(folder, name);
    if (waitMs === 0 && !(await exists(path))) return { bytes: Buffer.alloc(0), size: 0, final: false };
    const log = await logs.open(path);
    if (shared) await refresh(log, path);
    if (waitMs > 0 && !log.final && log.size <= from) {
      await pause(clock, shared ? Math.min(waitMs, REFRESH_MS) : waitMs, gone, (wake) => {
        log.waiters.add(wake);
        return () => log.waiters.delete(wake);
      });
      if (shared) await refresh(log, path);
    }
    const length = Math.max(0, Math.min(limit, log.size - from));
    const bytes = Buffer.alloc(length);
    if (length > 0) await log.file.read(bytes, 0, length, from);
    return { bytes, size: log.size, final: log.final };
  };

  return {
    read,
    append: async (name, offset, bytes, crc, final) => {
      if (crc32(bytes) !== crc)
        throw new GantryError("bad-request", { problem: "the checksum of the log bytes is wrong" });
      const path = pathOf(folder, name);
      const log = await logs.open(path);
      const work = log.lastAppend.then(async () => {
        if (shared) await refresh(log, path);
        return appendTo(log, path, offset, bytes, final);
      });
      log.lastAppend = work.catch(() => undefined);
      return work;
    },
    close: () => logs.close(),
  };
}

async function appendTo(log: OpenLog, path: string, offset: number, bytes: Buffer, final: boolean): Promise<number> {
  if (offset > log.size) throw new GantryError("log-rewind", { ack: log.size, offset });
  const overlap = Math.min(bytes.length, log.size - offset);
  if (overlap > 0) {
    const existing = Buffer.alloc(overlap);
    await log.file.read(existing, 0, overlap, offset);
    if (!existing.equals(bytes.subarray(0, overlap))) throw new GantryError("log-differs");
  }
  const added = bytes.subarray(overlap);
  if (added.length > 0 && log.final) throw new GantryError("log-differs");
  for (let done = 0; done < added.length; ) {
    // On a full disk a write is cut short, and the next one fails.
    const { bytesWritten } = await withDiskErrors("The log store", () =>
      log.file.write(added, done, added.length - done, log.size),
    );
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

/** The file of a log. Names come from runners, so every part is encoded as a single safe file name. */
export function pathOf(folder: string, { task, job, attempt, step }: LogName): string {
  const part = (text: string): string => encodeURIComponent(text).replace(/\./g, "%2E").slice(0, 200);
  return join(folder, part(task), part(job), String(attempt), `${part(step)}.log`);
}
