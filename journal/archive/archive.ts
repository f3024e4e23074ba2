// The archive: records that have left a journal. One folder per day holds, per kind and writer, a gzipped file of JSON lines
// that is only appended to, and a list of the appended parts with their checksums:
//
//   2026-08-22/tasks.jsonl.gz         the parts in sequence, each a gzip member of its own: `zcat` reads all of them
//   2026-08-22/tasks.index.jsonl      { at, offset, bytes, sha256, ids } per part
//
// A part exists when it is on the list, and it is put on the list when its data is on disk. Bytes that a crash left after the
// last part are cut off before the next one. Several processes may share the folder when each has its own writer name; the
// same record may then occur twice, and both copies are equal.

import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { isJsonObject, type JsonObject } from "@gantry/core/json.ts";

/** `day` is `YYYY-MM-DD`, UTC. To find a record, its day must be known from its id. */
export type ArchiveRecord = { readonly day: string; readonly id: string; readonly value: JsonObject };

export type ArchiveWriter = {
  /** Durable when it resolves. Rejects with the disk's error or `archive-damaged`; then nothing counts as written. */
  readonly append: (records: readonly ArchiveRecord[]) => Promise<void>;
};

export type ArchivePart = {
  readonly at: string;
  readonly offset: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly ids: readonly string[];
};

/** One file of the archive, as its list describes it. */
export type ArchiveFile = {
  readonly day: string;
  /** Relative to the folder of the archive. */
  readonly path: string;
  readonly parts: readonly ArchivePart[];
};

const DAY = /^\d{4}-\d\d-\d\d$/;
const pack = promisify(gzip);
const unpack = promisify(gunzip);
/** A part holds one batch of a sweep; anything larger was not written by this code. */
const MAX_PART = 1024 * 1024 * 1024;
const MAX_ENDS = 64;

/** `kind` and `writer`: lower case letters, digits, `.`, `_` and `-`. `nowMs` is only recorded. */
export function openArchiveWriter(options: {
  readonly folder: string;
  readonly kind: string;
  readonly writer?: string | undefined;
  readonly nowMs: () => number;
}): ArchiveWriter {
  const { folder, kind, writer, nowMs } = options;
  const name = writer === undefined ? kind : `${kind}-${writer}`;
  let turn: Promise<unknown> = Promise.resolve();
  const ends = new Map<string, End>();

  const append = async (records: readonly ArchiveRecord[]): Promise<void> => {
    for (const [day, all] of Map.groupBy(records, (record) => record.day)) {
      if (!DAY.test(day)) throw new TypeError(`not a day: ${day}`);
      const path = join(folder, day, name);
      const known = ends.get(path);
      // If the append fails, the state of the file is unknown: the next append reads it.
      ends.delete(path);
      ends.set(path, await appendPart({ path, records: all, at: new Date(nowMs()).toISOString(), known }));
      const [oldest] = ends.keys();
      if (ends.size > MAX_ENDS && oldest !== undefined) ends.delete(oldest);
    }
  };
  return {
    append: (records) => {
      const work = turn.then(() => append(records));
      turn = work.catch(() => undefined);
      return work;
    },
  };
}

/** The record, or undefined. Rejects with `archive-damaged` when its part is not as it was written. */
export async function findArchived(
  folder: string,
  kind: string,
  { day, id }: Pick<ArchiveRecord, "day" | "id">,
): Promise<JsonObject | undefined> {
  if (!DAY.test(day)) return undefined;
  for (const file of await listDay(folder, day, kind)) {
    const part = file.parts.find(({ ids }) => ids.includes(id));
    if (!part) continue;
    const records = await readPart(folder, file, part);
    return records[part.ids.indexOf(id)];
  }
  return undefined;
}

/** Oldest day first. A missing folder is an empty archive. */
export async function* listArchive(folder: string, kind: string): AsyncGenerator<ArchiveFile> {
  for (const day of (await entries(folder)).filter((name) => DAY.test(name)).sort())
    yield* await listDay(folder, day, kind);
}

/** The records of one part, in the order of its ids. Throws `archive-damaged`. */
export async function readPart(folder: string, file: ArchiveFile, part: ArchivePart): Promise<readonly JsonObject[]> {
  const damaged = (problem: string): GantryError => new GantryError("archive-damaged", { file: file.path, problem });
  if (part.bytes > MAX_PART) throw damaged(`a part of ${part.bytes} bytes`);
  const packed = Buffer.alloc(part.bytes);
  const handle = await open(join(folder, file.path), "r");
  try {
    const { bytesRead } = await handle.read(packed, 0, part.bytes, part.offset);
    if (bytesRead < part.bytes) throw damaged(`it ends in the part at ${part.offset}`);
  } finally {
    await handle.close();
  }
  if (sha256(packed) !== part.sha256) throw damaged(`the part at ${part.offset} has another checksum`);
  const lines = (await unpack(packed)).toString("utf8").trimEnd().split("\n");
  if (lines.length !== part.ids.length)
    throw damaged(`the part at ${part.offset} has ${counted(lines.length, "record")}`);
  return lines.map((line) => JSON.parse(line) as JsonObject);
}

async function listDay(folder: string, day: string, kind: string): Promise<readonly ArchiveFile[]> {
  const lists = (await entries(join(folder, day))).filter((name) => isListOf(name, kind)).sort();
  return Promise.all(
    lists.map(async (name) => ({
      day,
      path: join(day, name.replace(/\.index\.jsonl$/, ".jsonl.gz")),
      parts: readList(await readFile(join(folder, day, name), "utf8"), join(day, name)).parts,
    })),
  );
}

function isListOf(name: string, kind: string): boolean {
  return name === `${kind}.index.jsonl` || (name.startsWith(`${kind}-`) && name.endsWith(".index.jsonl"));
}

/** Where the next part goes (`offset`), and its line on the list (`length`). */
type End = { readonly offset: number; readonly length: number };

/** `known`: the end after the last append of this process, which is the only writer of this file. */
async function appendPart({
  path,
  records,
  at,
  known,
}: {
  readonly path: string;
  readonly records: readonly ArchiveRecord[];
  readonly at: string;
  readonly known: End | undefined;
}): Promise<End> {
  const packed = await pack(records.map(({ value }) => `${JSON.stringify(value)}\n`).join(""));
  await makeFolder(dirname(path));
  const list = await openDurably(`${path}.index.jsonl`);
  try {
    const { offset, length } = known ?? endOf((await list.readFile()).toString("utf8"), path);
    const data = await openDurably(`${path}.jsonl.gz`);
    try {
      const { size } = await data.stat();
      if (size < offset) {
        const problem = `it has ${counted(size, "byte")}, and ${offset} are on its list`;
        throw new GantryError("archive-damaged", { file: `${path}.jsonl.gz`, problem });
      }
      await data.truncate(offset);
      await writeAll(data, packed, offset);
      await data.sync();
    } finally {
      await data.close();
    }
    const ids = records.map(({ id }) => id);
    const part: ArchivePart = { at, offset, bytes: packed.length, sha256: sha256(packed), ids };
    const line = Buffer.from(`${JSON.stringify(part)}\n`);
    await list.truncate(length);
    await writeAll(list, line, length);
    await list.sync();
    return { offset: offset + packed.length, length: length + line.length };
  } finally {
    await list.close();
  }
}

function endOf(list: string, file: string): End {
  const { parts, length } = readList(list, file);
  const last = parts.at(-1);
  return { offset: last ? last.offset + last.bytes : 0, length };
}

/** The complete lines, and their length in bytes. An incomplete last line, left by a crash, is ignored. */
function readList(text: string, file: string): { readonly parts: readonly ArchivePart[]; readonly length: number } {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const parts = whole
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const part = parseJson(line);
      if (isPart(part)) return part;
      throw new GantryError("archive-damaged", { file, problem: "a line of its list cannot be read" });
    });
  return { parts, length: Buffer.byteLength(whole) };
}

/** Opens for reading and writing. Creates a missing file, and syncs its folder then. */
async function openDurably(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const made = await open(path, "wx+", 0o600);
  await syncFolder(dirname(path));
  return made;
}

/** Creates the folder and its parents. Each new entry is on disk when it resolves. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let at = resolve(path); at.length >= resolve(first).length; at = dirname(at)) await syncFolder(dirname(at));
}

/** Whether something exists at this path. Rejects when that cannot be determined. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes everything: a disk that becomes full accepts a part and refuses the rest. */
async function writeAll(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}

async function entries(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}

function isPart(value: unknown): value is ArchivePart {
  if (!isJsonObject(value)) return false;
  const { at, offset, bytes, sha256: sum, ids } = value;
  const isCount = (one: unknown): boolean => Number.isSafeInteger(one) && Number(one) >= 0;
  const isTexts = Array.isArray(ids) && ids.every((id) => typeof id === "string");
  return typeof at === "string" && isCount(offset) && isCount(bytes) && typeof sum === "string" && isTexts;
}

/** undefined for text that is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
