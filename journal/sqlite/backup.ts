// Copies journals in SQLite files while their processes run, and checks the copies.

import { open } from "node:fs/promises";
import { backup, DatabaseSync } from "node:sqlite";
import { counted } from "@gantry/core/count.ts";

const MAGIC = "SQLite format 3\0";
/** All pages in one step: with smaller steps the copy starts over whenever the owner commits in between. */
const ALL_PAGES = 2 ** 31 - 1;

export type JournalFacts = { readonly streams: number; readonly events: number; readonly lastSeq: number };

/**
 * Copies a journal to a new file, as it was at one moment. Its owner may be running and may write meanwhile. The copy is a
 * single file without a write-ahead log. Rejects with SQLite's error when either file cannot be used.
 */
export async function copyJournal(from: string, to: string): Promise<void> {
  const source = new DatabaseSync(from, { readOnly: true });
  try {
    await backup(source, to, { rate: ALL_PAGES });
  } finally {
    source.close();
  }
  const copy = new DatabaseSync(to);
  try {
    // In WAL mode, even reading the copy would leave files next to it.
    copy.exec("PRAGMA journal_mode = DELETE");
  } finally {
    copy.close();
  }
}

/** Checks a journal that no process has open. Throws what SQLite finds wrong with it. */
export function checkJournal(file: string): JournalFacts {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const found = db
      .prepare("PRAGMA integrity_check")
      .all()
      .map((row) => String(row.integrity_check));
    if (found.join() !== "ok") throw new Error(`SQLite finds: ${found.slice(0, 3).join("; ")}`);
    const strays = db.prepare("PRAGMA foreign_key_check").all().length;
    if (strays > 0) throw new Error(`${counted(strays, "row belongs", "rows belong")} to no stream`);
    const count = (sql: string): number => Number(db.prepare(sql).get()?.n ?? 0);
    return {
      streams: count("SELECT COUNT(*) AS n FROM streams"),
      events: count("SELECT COUNT(*) AS n FROM events"),
      lastSeq: count("SELECT MAX(seq) AS n FROM events"),
    };
  } finally {
    db.close();
  }
}

/** Whether the file begins with the header of SQLite. An empty file does not. */
export async function isSqliteFile(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0);
    return bytesRead === MAGIC.length && buffer.toString("latin1") === MAGIC;
  } finally {
    await file.close();
  }
}
