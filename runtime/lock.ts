// One owner per journal file. The lock is an exclusive SQLite lock on a small file beside it, so the operating system
// lets go of it when the process dies, however it dies. A file with a process id in it could not promise that.

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { DatabaseSync } from "node:sqlite";
import { GantryError } from "@gantry/core/errors.ts";
import { withOpenErrors } from "./sqlite-errors.ts";

const SQLITE_BUSY = 5;

/** Takes the lock, or throws `store-busy` naming the holder, or `data-unusable`. The answer gives it back. */
export function takeLock(file: string): () => void {
  const lockFile = `${file}.lock`;
  const lock = withOpenErrors(lockFile, () => new DatabaseSync(lockFile));
  const ownerFile = `${file}.owner`;
  try {
    withOpenErrors(lockFile, () => {
      lock.exec("BEGIN EXCLUSIVE");
      // Not in the lock file itself: closing any handle of a locked file drops POSIX locks of the whole process.
      writeFileSync(ownerFile, `process ${process.pid} on ${hostname()}`);
    });
  } catch (error) {
    lock.close();
    if (!isBusy(error)) throw error;
    throw new GantryError("store-busy", { file, owner: readOwner(ownerFile) }, { cause: error });
  }
  return () => {
    rmSync(ownerFile, { force: true });
    lock.close();
  };
}

function readOwner(ownerFile: string): string {
  try {
    return readFileSync(ownerFile, "utf8").slice(0, 200);
  } catch {
    // The holder has the lock but has not written its name yet, or is just leaving.
    return "a process that has not said its name";
  }
}

function isBusy(error: unknown): boolean {
  const cause: unknown = error instanceof GantryError ? error.cause : error;
  return cause instanceof Error && (cause as { errcode?: unknown }).errcode === SQLITE_BUSY;
}
