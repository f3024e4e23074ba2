// The runner's own journal: one file of JSON lines, appended and synced. After a crash, the next process reads from it what
// the previous one was doing. Its content is small, so the whole state stays in memory and the file is rewritten from time
// to time.

import { dirname } from "node:path";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { type DiskRecord, type DiskState, fold, recordsOf } from "./disk-state.ts";
import { type Files, type OpenFile, writeAll } from "./files.ts";

export type DiskJournal = {
  readonly state: DiskState;
  /** Writes soon, in order. A failure is reported by the next `commit`. */
  readonly note: (record: DiskRecord) => void;
  /** Resolves when this record and all earlier ones are on disk (fsync). Concurrent commits share one sync. */
  readonly commit: (record: DiskRecord) => Promise<void>;
  readonly close: () => Promise<void>;
};

type Waiter = { readonly resolve: () => void; readonly reject: (error: unknown) => void };

const COMPACT_BYTES = 4 * 1_048_576;
/** An effect whose permit was not requested again in this time is forgotten. */
const EFFECT_TTL_MS = 7 * 24 * 3_600_000;

/** Only one process at a time may open the file; the caller must hold a lock. A torn last line counts as not written. */
export async function openDiskJournal(files: Files, file: string, nowMs: number, logger: Logger): Promise<DiskJournal> {
  await files.makeFolder(dirname(file));
  const state = await load(files, file, nowMs, logger);
  const target = await openJournalFile(files, file, state);
  let lines: string[] = [];
  let waiters: Waiter[] = [];
  let flushing: Promise<void> | undefined;

  const flush = async (): Promise<void> => {
    // Everything that is noted in this turn of the event loop is written together.
    await Promise.resolve();
    while (lines.length > 0) {
      const [batch, waiting] = [lines.join(""), waiters];
      lines = [];
      waiters = [];
      try {
        await target.write(batch, waiting.length > 0);
        for (const { resolve } of waiting) resolve();
      } catch (error) {
        logger.error({ err: error, file }, "the runner's journal could not be written");
        for (const { reject } of waiting) reject(error);
      }
    }
    flushing = undefined;
  };
  const note = (record: DiskRecord): void => {
    fold(state, record);
    lines.push(`${JSON.stringify(record)}\n`);
    flushing ??= flush();
  };
  return {
    state,
    note,
    commit: (record) =>
      new Promise((resolve, reject) => {
        waiters.push({ resolve, reject });
        note(record);
      }),
    close: async () => {
      await flushing;
      await target.close();
    },
  };
}

type JournalFile = {
  /** Appends the batch, or rewrites the file from the state, which already contains the batch. */
  readonly write: (batch: string, sync: boolean) => Promise<void>;
  readonly close: () => Promise<void>;
};

/** Rewrites the file now, when it has grown too large, and after a failed write, which may have left half a line. */
async function openJournalFile(files: Files, file: string, state: DiskState): Promise<JournalFile> {
  let handle = await rewrite(files, file, state);
  let written = 0;
  let isTorn = false;
  return {
    write: async (batch, sync) => {
      if (isTorn || written > COMPACT_BYTES) {
        await handle.close();
        handle = await rewrite(files, file, state);
        written = 0;
        isTorn = false;
        return;
      }
      isTorn = true;
      await writeAll(handle, batch);
      if (sync) await handle.sync();
      written += batch.length;
      isTorn = false;
    },
    close: () => handle.close(),
  };
}

async function load(files: Files, file: string, nowMs: number, logger: Logger): Promise<DiskState> {
  const state: DiskState = { attempts: new Map(), effects: new Map() };
  const text = (await files.readText(file)) ?? "";
  const lines = text.split("\n").filter((line) => line !== "");
  lines.forEach((line, index) => {
    const record = readRecord(line);
    if (record) fold(state, record);
    else logger.warn({ file, line: index + 1, of: lines.length }, "skipped a torn line of the runner's journal");
  });
  for (const [key, effect] of state.effects) if (nowMs - effect.atMs > EFFECT_TTL_MS) state.effects.delete(key);
  return state;
}

/** Only this program writes the file, so the only invalid line is a truncated one. */
function readRecord(line: string): DiskRecord | undefined {
  try {
    return JSON.parse(line) as DiskRecord;
  } catch {
    return undefined;
  }
}

/** Replaces the file with a compacted one, and opens it for appending. */
async function rewrite(files: Files, file: string, state: DiskState): Promise<OpenFile> {
  const compacted = `${file}.new`;
  const target = await files.open(compacted, "empty");
  try {
    await writeAll(
      target,
      recordsOf(state)
        .map((record) => `${JSON.stringify(record)}\n`)
        .join(""),
    );
    await target.sync();
  } finally {
    await target.close();
  }
  await files.replace(compacted, file);
  return files.open(file, "append");
}
