// The runner's own journal: one file of JSON lines, appended and synced. A runner that was killed finds in it what it was
// doing. What it holds is small, so the whole state stays in memory and the file is rewritten now and then.

import { dirname } from "node:path";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { type DiskRecord, type DiskState, fold, recordsOf } from "./disk-state.ts";
import { type Files, type OpenFile, writeAll } from "./files.ts";

export type DiskJournal = {
  readonly state: DiskState;
  /** Writes soon, in order. A failure shows at the next `commit`. */
  readonly note: (record: DiskRecord) => void;
  /** Resolves when this record and all before it are on disk (fsync). Commits that come together share one sync. */
  readonly commit: (record: DiskRecord) => Promise<void>;
  readonly close: () => Promise<void>;
};

type Waiter = { readonly resolve: () => void; readonly reject: (error: unknown) => void };

const COMPACT_BYTES = 4 * 1_048_576;
/** An effect that nobody asked for again in this time will not be asked for. */
const EFFECT_DAYS_MS = 7 * 24 * 3_600_000;

/** One process at a time may have it open; the caller sees to that. A torn last line is the record that was not written. */
export async function openDiskJournal(files: Files, file: string, nowMs: number, logger: Logger): Promise<DiskJournal> {
  await files.makeFolder(dirname(file));
  const state = await load(files, file, nowMs, logger);
  let handle = await rewrite(files, file, state);
  let written = 0;
  /** The end of the file may hold half a line: it must be written anew. */
  let torn = false;
  let lines: string[] = [];
  let waiters: Waiter[] = [];
  let flushing: Promise<void> | undefined;

  const write = async (batch: string, sync: boolean): Promise<void> => {
    if (torn || written > COMPACT_BYTES) {
      await handle.close();
      // The state has this batch already: it was folded when it was noted.
      handle = await rewrite(files, file, state);
      written = 0;
      torn = false;
      return;
    }
    torn = true;
    await writeAll(handle, batch);
    if (sync) await handle.sync();
    written += batch.length;
    torn = false;
  };

  const flush = async (): Promise<void> => {
    // Whatever is noted in this turn of the event loop goes out together.
    await Promise.resolve();
    while (lines.length > 0) {
      const [batch, waiting] = [lines.join(""), waiters];
      lines = [];
      waiters = [];
      try {
        await write(batch, waiting.length > 0);
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
      await handle.close();
    },
  };
}

async function load(files: Files, file: string, nowMs: number, logger: Logger): Promise<DiskState> {
  const state: DiskState = { attempts: new Map(), effects: new Map() };
  const text = (await files.readText(file)) ?? "";
  const lines = text.split("\n").filter((line) => line !== "");
  lines.forEach((line, index) => {
    const record = readRecord(line);
    if (record) fold(state, record);
    else logger.warn({ file, line: index + 1, of: lines.length }, "a line of the runner's journal is torn");
  });
  for (const [key, effect] of state.effects) if (nowMs - effect.atMs > EFFECT_DAYS_MS) state.effects.delete(key);
  return state;
}

/** Only this program writes the file; what can be wrong is a line that was cut off. */
function readRecord(line: string): DiskRecord | undefined {
  try {
    return JSON.parse(line) as DiskRecord;
  } catch {
    return undefined;
  }
}

/** Puts a compacted file in the place of the old one, and opens it for appending. */
async function rewrite(files: Files, file: string, state: DiskState): Promise<OpenFile> {
  const fresh = `${file}.new`;
  const target = await files.open(fresh, "empty");
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
  await files.replace(fresh, file);
  return files.open(file, "append");
}
