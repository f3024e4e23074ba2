// A lock of a file that ends with its process. It is SQLite's exclusive lock: the operating system releases it when the
// process dies, however it dies. A file with a process id in it could not promise that.

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { DatabaseSync } from "node:sqlite";
import { GantryError } from "@gantry/core/errors.ts";
import { makePrivateFile, removeRightsOfOthers } from "./private-files.ts";
import { withOpenErrors } from "./sqlite-errors.ts";

const SQLITE_BUSY = 5;

/** Takes the lock on this file, or answers undefined at once while anyone, also in this process, has it. */
export function tryLock(file: string): (() => void) | undefined {
  makePrivateFile(file);
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

/**
 * Makes this process the only owner of a store, by the lock file beside it. `name`: what people know it by. Throws
 * `store-busy`, which names the owner, or `data-unusable`. The answer releases the lock.
 */
export function takeLock(file: string, name = file): () => void {
  const lockFile = `${file}.lock`;
  const ownerFile = `${file}.owner`;
  const release = withOpenErrors(lockFile, () => tryLock(lockFile));
  if (!release) throw new GantryError("store-busy", { file: name, owner: readOwner(ownerFile) });
  try {
    // Not in the lock file itself: closing any handle of a locked file drops POSIX locks of the whole process.
    writeFileSync(ownerFile, `process ${process.pid} on ${hostname()}`, { mode: 0o600 });
    removeRightsOfOthers(ownerFile);
  } catch (error) {
    release();
    throw error;
  }
  return () => {
    rmSync(ownerFile, { force: true });
    release();
  };
}

function readOwner(ownerFile: string): string {
  try {
    return readFileSync(ownerFile, "utf8").slice(0, 200);
  } catch {
    // The owner has the lock but has not written its name yet, or is just leaving.
    return "a process whose number is not known yet";
  }
}
