// The journal in one SQLite file, the default. Node's own SQLite with a write-ahead log; every commit is on disk before it
// is answered. SQLite's calls are synchronous, so appends that arrive together wait in a queue and share one commit.

import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { GantryError } from "@gantry/core/errors.ts";
import { type Clock, systemClock } from "@gantry/runtime/clock.ts";
import { takeLock } from "@gantry/runtime/lock.ts";
import { makePrivateFile, makePrivateFolder, removeRightsOfOthers } from "@gantry/runtime/private-files.ts";
import { withDiskErrors, withOpenErrors } from "@gantry/runtime/sqlite-errors.ts";
import type { Journal } from "../journal.ts";
import { openStore } from "../open-store.ts";
import { makeWaiters, readOrWait } from "../waiters.ts";
import { makeCommitQueue } from "./group-commit.ts";
import { migrate, readMigrations } from "./migrate.ts";
import { makeStore, type SqliteStore } from "./store.ts";

export type SqliteOptions = {
  /** Its folder is created if missing. Next to it SQLite keeps `-wal` and `-shm`, and Gantry `.lock` and `.owner`. */
  readonly file: string;
  readonly indexes: readonly string[];
  readonly clock?: Clock;
};

const FULL = 2;

/**
 * Opens or creates the file. Rejects with `store-busy` when another process owns it, `store-newer` when a newer version
 * wrote it, `data-unusable` when the disk or the file cannot be used, and `config-invalid` when this SQLite can damage files.
 */
export async function openSqliteJournal(options: SqliteOptions): Promise<Journal> {
  refuseUnsoundSqlite(process.versions.sqlite ?? "unknown");
  makePrivateFolder(dirname(options.file));
  const unlock = takeLock(options.file, `The journal ${options.file}`);
  let db: DatabaseSync | undefined;
  try {
    return withOpenErrors(options.file, () => {
      // SQLite gives its other files the mode of this one.
      makePrivateFile(options.file);
      for (const suffix of ["-wal", "-shm"]) removeRightsOfOthers(`${options.file}${suffix}`);
      const opened = new DatabaseSync(options.file);
      db = opened;
      prepareDatabase(opened, options.file);
      const store = makeStore(opened, options.clock ?? systemClock);
      assertDurable(opened);
      return toJournal(options, store, () => {
        opened.close();
        unlock();
      });
    });
  } catch (error) {
    db?.close();
    unlock();
    throw error;
  }
}

/** SQLite before 3.51.3, and 3.52.0, could corrupt the file when the write-ahead log was reset (fixed upstream since). */
export function refuseUnsoundSqlite(version: string): void {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  const number = major * 1_000_000 + minor * 1_000 + patch;
  if (number >= 3_051_003 && number !== 3_052_000) return;
  const problem = `SQLite ${version} can damage its files; use a Node.js with SQLite 3.51.3, 3.53.0 or later`;
  throw new GantryError("config-invalid", { problem });
}

function prepareDatabase(db: DatabaseSync, file: string): void {
  db.exec("PRAGMA journal_mode = WAL");
  db.exec("PRAGMA synchronous = FULL");
  db.exec("PRAGMA busy_timeout = 5000");
  db.exec("PRAGMA foreign_keys = ON");
  db.exec(`PRAGMA journal_size_limit = ${64 * 1024 * 1024}`);
  // Checkpoint once per 32 MiB of log instead of once per 4, so that pages that change often are copied back less often.
  db.exec("PRAGMA wal_autocheckpoint = 8000");
  migrate(db, file, readMigrations());
}

/** Must be called after a write: only then does SQLite report the settings that are in effect. */
function assertDurable(db: DatabaseSync): void {
  const synchronous = db.prepare("PRAGMA synchronous").get()?.synchronous;
  const mode = db.prepare("PRAGMA journal_mode").get()?.journal_mode;
  if (synchronous === FULL && mode === "wal") return;
  const problem = `SQLite runs with synchronous=${synchronous}, journal_mode=${mode}; a commit could be lost`;
  throw new GantryError("config-invalid", { problem });
}

function toJournal(options: SqliteOptions, store: SqliteStore, release: () => void): Journal {
  const clock = options.clock ?? systemClock;
  const waiters = makeWaiters(clock);
  const queue = makeCommitQueue((...group) => withDiskErrors(() => store.commit(...group)), waiters.wake);
  return openStore(options.indexes, (isClosed) => ({
    append: queue.append,
    remove: (batch) => withDiskErrors(() => store.remove(batch)),
    load: (stream) => withDiskErrors(() => store.load(stream)),
    events: (stream, afterVersion, limit) => withDiskErrors(() => store.events(stream, afterVersion, limit)),
    find: (query) => withDiskErrors(() => store.find(query)),
    feed: (query) => {
      const read = () => store.feed(query.after, query.limit);
      return readOrWait({ read, waiters, clock, isClosed }, query);
    },
    now: () => withDiskErrors(store.now),
    check: () => withDiskErrors(store.check),
    close: () => {
      queue.drain();
      try {
        store.close();
      } finally {
        release();
        waiters.wake();
      }
    },
  }));
}
