// Content of files under its digest, in the cache of a site: what jobs of this runner have saved or downloaded. So a file that
// is here already is neither copied nor downloaded again. Scripts do not see this folder. Several threads use it at once.

import { createHash, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import {
  copyFile,
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  utimes,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";

const PIECE = 1_048_576;
const MIB = 1_048_576;
/** An empty file counts as much as a small one, because the number of files is limited, too. */
const MIN_FILE = 4_096;
/** What was used so recently stays: a job may be about to read it. */
const IN_USE_MS = 3_600_000;
/** The same where there is twice as much as there may be: otherwise jobs that save much could fill the disk within the hour. */
const IN_USE_CROWDED_MS = 300_000;

/** How much one job may add. Scripts can make files of any length that need no space, until somebody copies them. */
export type ContentRoom = {
  readonly limitMb: number;
  /** Shrinks while the job runs. */
  leftBytes: number;
};

export function openContentRoom(limitMb: number): ContentRoom {
  return { limitMb, leftBytes: limitMb * MIB };
}

export type AddOptions = {
  /** Nothing will change the file any more, so that the content can be the file itself. */
  readonly mayLink: boolean;
  readonly room: ContentRoom;
};

export type AddedFile = { readonly digest: string; readonly size: number; readonly executable: boolean };

/** Where the content with this digest is, or would be. */
export function contentPlace(folder: string, digest: string): string {
  const name = digest.replace(/^sha256:/, "");
  if (!/^[0-9a-f]{64}$/.test(name))
    throw new GantryError("bad-request", { problem: "the digest is not a SHA-256 digest" });
  return join(folder, name.slice(0, 2), name);
}

/**
 * Adds a file: linked if it may be, else cloned if the file system can do that, else copied. Throws `file-invalid` for what is no
 * plain file, or changes meanwhile, and `artifact-too-large` when there is no room for it.
 */
export async function addContent(
  folder: string,
  path: string,
  name: string,
  { mayLink, room }: AddOptions,
): Promise<AddedFile> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) throw new GantryError("file-invalid", { file: name, problem: "it is not a file" });
    // Before it is read: that alone could take hours.
    if (facts.size > room.limitMb * MIB) throw noRoom(name, room);
    const digest = await digestOf(handle);
    const place = contentPlace(folder, digest);
    if (!(await isPresent(place, facts.size))) {
      takeRoom(name, Math.max(facts.size, MIN_FILE), room);
      // Another name of the same file could be written through.
      await takeIn(path, place, mayLink && facts.nlink === 1);
    }
    const after = await handle.stat();
    const same = await lstat(path);
    if (after.mtimeMs !== facts.mtimeMs || after.size !== facts.size || same.ino !== facts.ino) {
      await rm(place, { force: true });
      throw new GantryError("file-invalid", { file: name, problem: "it changed while it was read" });
    }
    return { digest, size: facts.size, executable: (facts.mode & 0o111) !== 0 };
  } finally {
    await handle.close();
  }
}

function takeRoom(name: string, bytes: number, room: ContentRoom): void {
  if (bytes > room.leftBytes) throw noRoom(name, room);
  room.leftBytes -= bytes;
}

function noRoom(name: string, { limitMb }: ContentRoom): GantryError {
  return new GantryError("artifact-too-large", {
    artifact: `The file ${JSON.stringify(name.slice(0, 200))}`,
    problem: `all that a job saves may have ${limitMb} MiB`,
    hint: ", or raise `limits.diskMb` of the runner",
  });
}

async function takeIn(path: string, place: string, mayLink: boolean): Promise<void> {
  const partial = await partialFor(place);
  if (!mayLink || !(await linked(path, partial))) await copyFile(path, partial, constants.COPYFILE_FICLONE);
  await rename(partial, place);
}

/** False: not on the same file system. */
async function linked(path: string, to: string): Promise<boolean> {
  try {
    await link(path, to);
    return true;
  } catch (error) {
    if (["EXDEV", "EPERM", "EMLINK", "ENOTSUP"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}

/** Writes content as it comes and keeps it if it has the digest. Throws `system-strange` otherwise. */
export async function receiveContent(folder: string, digest: string, parts: AsyncIterable<Uint8Array>): Promise<void> {
  const place = contentPlace(folder, digest);
  const partial = await partialFor(place);
  const hash = createHash("sha256");
  const handle = await open(partial, "wx", 0o600);
  try {
    for await (const part of parts) {
      hash.update(part);
      for (let done = 0; done < part.length; ) done += (await handle.write(part, done)).bytesWritten;
    }
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  if (`sha256:${hash.digest("hex")}` === digest) return rename(partial, place);
  await rm(partial, { force: true });
  const problem = "The content of a file does not have its digest.";
  throw new GantryError("system-strange", { system: "the task-agent", what: "download an artifact", problem });
}

/**
 * Whether the content is here; then it counts as used now. Files are not flushed, because what is lost is only saved or downloaded
 * again: a crash of the machine may leave one without its end, so its size must be right.
 */
export async function isPresent(place: string, size: number): Promise<boolean> {
  const now = new Date();
  try {
    await utimes(place, now, now);
    return (await stat(place)).size === size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** Removes what was not used for the longest time, until the rest fits. Resolves with whether it does. */
export async function sweepContent(folder: string, maxBytes: number, nowMs: number): Promise<boolean> {
  const found: { readonly path: string; readonly size: number; readonly usedMs: number }[] = [];
  for (const part of await readdir(folder).catch(orNone)) {
    for (const name of await readdir(join(folder, part)).catch(orNone)) {
      const path = join(folder, part, name);
      const facts = await stat(path).catch(() => undefined);
      if (facts) found.push({ path, size: facts.size, usedMs: facts.mtimeMs });
    }
  }
  let bytes = found.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size, usedMs } of found.toSorted((a, b) => a.usedMs - b.usedMs)) {
    const inUseMs = bytes > 2 * maxBytes ? IN_USE_CROWDED_MS : IN_USE_MS;
    if (bytes <= maxBytes || nowMs - usedMs < inUseMs) break;
    await rm(path, { force: true });
    bytes -= size;
  }
  return bytes <= maxBytes;
}

async function partialFor(place: string): Promise<string> {
  await mkdir(dirname(place), { recursive: true, mode: 0o700 });
  return `${place}.${randomUUID()}`;
}

async function digestOf(handle: FileHandle): Promise<string> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(PIECE);
  for (let at = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, PIECE, at);
    if (bytesRead === 0) return `sha256:${hash.digest("hex")}`;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

function orNone(error: NodeJS.ErrnoException): readonly string[] {
  if (["ENOENT", "ENOTDIR"].includes(error.code ?? "")) return [];
  throw error;
}
