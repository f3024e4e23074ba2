// One download of a repository at a time. Fetching needs no lock to be correct (see mirror.ts); this one only keeps ten
// jobs that start together from downloading the same repository ten times.

import { DatabaseSync } from "node:sqlite";

const SQLITE_BUSY = 5;

/**
 * Takes the lock, or answers undefined at once while another job, here or in another process, has it. SQLite's own file
 * lock is used because it goes away with its process, however that ends.
 */
export function tryLock(file: string): (() => void) | undefined {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return undefined;
    throw error;
  }
  return () => database.close();
}
