// The runner's folder, as a port: the simulator gives it a disk that is slow, full or gone.

import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { takeLock } from "@gantry/runtime/lock.ts";

export type OpenFile = {
  /** Appends; answers how many bytes were written, which may be fewer than given but never none. */
  readonly write: (bytes: Uint8Array) => Promise<number>;
  /** Fewer bytes than asked for only at the end of the file. */
  readonly read: (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>;
  /** Resolves when all that was written survives a power cut. */
  readonly sync: () => Promise<void>;
  readonly close: () => Promise<void>;
};

/** Paths are absolute. What fails rejects with an error that has a `code`, as Node's own have. Readable only by the owner. */
export type Files = {
  /** `new` must not exist, `empty` may, `append` is made when it does not, `read` must exist. */
  readonly open: (path: string, how: "new" | "empty" | "append" | "read") => Promise<OpenFile>;
  /** undefined: there is no such file. */
  readonly readText: (path: string) => Promise<string | undefined>;
  readonly size: (path: string) => Promise<number>;
  /** Puts a file in the place of another, so that one of the two is there whatever happens; durable when it resolves. */
  readonly replace: (from: string, to: string) => Promise<void>;
  /** With all folders above it; it may exist. */
  readonly makeFolder: (path: string) => Promise<void>;
  /** A folder with all that is in it, or nothing. */
  readonly remove: (path: string) => Promise<void>;
  readonly list: (folder: string) => Promise<readonly string[]>;
  /** One process at a time; throws `store-busy`. The operating system lets go when the process dies. */
  readonly lock: (path: string) => () => void;
};

/** Writes everything. */
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
  makeFolder: async (path) => void (await mkdir(path, { recursive: true, mode: 0o700 })),
  remove: (path) => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  list: (folder) => readdir(folder),
  lock: takeLock,
};

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
