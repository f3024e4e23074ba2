// The port for the runner's folder. The simulator implements it with a disk that is slow, full or gone.

import { execFile } from "node:child_process";
import { type FileHandle, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { takeLock } from "@gantry/runtime/lock.ts";
import { makePrivateFolder } from "@gantry/runtime/private-files.ts";

export type OpenFile = {
  /** Appends. Returns how many bytes were written: at least one, possibly fewer than given. */
  readonly write: (bytes: Uint8Array) => Promise<number>;
  /** Returns fewer bytes than requested only at the end of the file. */
  readonly read: (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>;
  /** Resolves when everything written so far survives a power failure. */
  readonly sync: () => Promise<void>;
  readonly close: () => Promise<void>;
};

/** Paths are absolute. Errors have a `code` like those of Node. Files and folders are readable only by their owner. */
export type Files = {
  /** `new`: must not exist. `empty`: is truncated when it exists. `append`: is created when missing. `read`: must exist. */
  readonly open: (path: string, how: "new" | "empty" | "append" | "read") => Promise<OpenFile>;
  /** Returns undefined when the file does not exist. */
  readonly readText: (path: string) => Promise<string | undefined>;
  readonly size: (path: string) => Promise<number>;
  /** Replaces one file by another atomically. Durable when it resolves. */
  readonly replace: (from: string, to: string) => Promise<void>;
  /** Creates a folder and its parents. It may exist. */
  readonly makeFolder: (path: string) => Promise<void>;
  /** Removes a folder with its content. It need not exist. */
  readonly remove: (path: string) => Promise<void>;
  readonly list: (folder: string) => Promise<readonly string[]>;
  /** Locks for this process; throws `store-busy`. The operating system releases the lock when the process dies. */
  readonly lock: (path: string) => () => void;
};

/** Writes the whole text. */
export async function writeAll(file: Pick<OpenFile, "write">, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) done += await file.write(bytes.subarray(done));
}

export const machineFiles: Files = {
  open: async (path, how) => openFile(await open(path, { new: "ax", empty: "w", append: "a", read: "r" }[how], 0o600)),
  readText: async (path) => {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  },
  size: async (path) => (await stat(path)).size,
  replace: async (from, to) => {
    await rename(from, to);
    const folder = await open(dirname(to), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
  makeFolder: async (path) => makePrivateFolder(path),
  remove: (path) => rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => removeByPrograms(path)),
  list: (folder) => readdir(folder),
  lock: takeLock,
};

/**
 * For folders of a script that Node cannot remove: those whose path is too long for the system, and those that the script
 * made unreadable. The programs descend folder by folder.
 */
async function removeByPrograms(path: string): Promise<void> {
  const run = promisify(execFile);
  // It fails for files that it may not change. Only the removal matters.
  await run("chmod", ["-R", "u+rwX", "--", path]).catch(() => undefined);
  await run("rm", ["-rf", "--", path]);
}

function openFile(handle: FileHandle): OpenFile {
  return {
    write: async (bytes) => (await handle.write(bytes)).bytesWritten,
    read: async (offset, length) => {
      const bytes = new Uint8Array(Math.max(0, length));
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, offset);
      return bytes.subarray(0, bytesRead);
    },
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}
