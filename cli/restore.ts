// `gantry restore`: creates a data folder from a backup. Everything is verified before the folder appears.

import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, mkdtemp, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import { checkJournal, type JournalFacts } from "@gantry/journal/sqlite/backup.ts";
import { type Extract, extract } from "tar-stream";
import { MANIFEST, type Manifest, manifestSchema } from "./backup-file.ts";
import type { Call } from "./table/command.ts";

/** The largest accepted list of files, in bytes. */
const MAX_MANIFEST = 256 * 1024 * 1024;

type Entry = Extract extends AsyncIterable<infer Item> ? Item : never;
type WrittenFile = { readonly bytes: number; readonly sha256: string };

export type RestoreReport = {
  readonly createdAt: string;
  readonly journals: readonly ({ readonly path: string } & JournalFacts)[];
  readonly files: number;
};

export async function restore({
  io,
  flags: { data, from },
}: Call<{ readonly data: string; readonly from: string }>): Promise<number> {
  const { createdAt, journals, files } = await readBackup(from, data);
  for (const { path, streams, events } of journals)
    io.stdout(`${path}: ${counted(streams, "stream")}, ${counted(events, "event")}\n`);
  io.stdout(
    `${data}: restored from the backup of ${createdAt}, ${counted(journals.length, "journal")} and ${counted(files, "file")}\n`,
  );
  return 0;
}

/** Throws `argument-unusable` when the folder is not empty or the backup cannot be read, and `backup-damaged`. After an error nothing is left behind. */
export async function readBackup(from: string, data: string): Promise<RestoreReport> {
  const target = resolve(data);
  const before = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (before && before.length > 0)
    throw new GantryError("argument-unusable", { argument: `The folder ${data}`, problem: "It is not empty." });
  await assertReadable(from);
  await mkdir(dirname(target), { recursive: true });
  const staging = await mkdtemp(join(dirname(target), ".gantry-restore-"));
  try {
    const { kept, manifest } = await unpack(from, staging);
    const journals = check(from, staging, manifest, kept);
    if (before) await rm(target, { recursive: true });
    await rename(join(staging, "data"), target);
    return { createdAt: manifest.createdAt, journals, files: manifest.files.length - journals.length };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function assertReadable(file: string): Promise<void> {
  try {
    await (await open(file)).close();
  } catch (error) {
    const argument = `The backup ${file}`;
    throw new GantryError("argument-unusable", { argument, problem: fileProblem(error) }, { cause: error });
  }
}

async function unpack(from: string, staging: string): Promise<{ kept: Map<string, WrittenFile>; manifest: Manifest }> {
  const kept = new Map<string, WrittenFile>();
  let manifest: Manifest | undefined;
  const takeAll = async (archive: Extract): Promise<void> => {
    for await (const entry of archive) {
      const { name, type, size } = entry.header;
      // The reader of the entry gets the same error.
      entry.on("error", () => undefined);
      if (type !== "file" || manifest) throw new Error(`${name} does not belong in a backup`);
      if (name === MANIFEST) {
        if ((size ?? 0) > MAX_MANIFEST) throw new Error("its list of files is too large");
        manifest = manifestSchema.parse(JSON.parse(await readText(entry)));
        continue;
      }
      manifestSchema.shape.files.element.shape.path.parse(name);
      if (kept.has(name)) throw new Error(`${name} is in it twice`);
      kept.set(name, await write(entry, join(staging, "data", name)));
    }
  };
  await mkdir(join(staging, "data"), { mode: 0o700 });
  const archive = extract();
  try {
    const taken = takeAll(archive);
    // When the file ends within an entry, the pipeline rejects, but the reader of the entry may wait for ever.
    taken.catch(() => undefined);
    await Promise.all([pipeline(createReadStream(from), createGunzip(), archive), taken]);
  } catch (error) {
    throw new GantryError("backup-damaged", { file: from, problem: damageOf(error) }, { cause: error });
  }
  if (!manifest) throw new GantryError("backup-damaged", { file: from, problem: "It is truncated." });
  return { kept, manifest };
}

function damageOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === "Z_DATA_ERROR" ? "It is not a gzip file, or its bytes were changed." : message;
}

async function readText(entry: Entry): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of entry) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

async function write(entry: Entry, file: string): Promise<WrittenFile> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const hash = createHash("sha256");
  let bytes = 0;
  const count = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  await pipeline(entry, count, createWriteStream(file, { flags: "wx", mode: 0o600, flush: true }));
  return { bytes, sha256: hash.digest("hex") };
}

function check(
  from: string,
  staging: string,
  manifest: Manifest,
  kept: ReadonlyMap<string, WrittenFile>,
): RestoreReport["journals"] {
  const damaged = (problem: string): GantryError => new GantryError("backup-damaged", { file: from, problem });
  if (kept.size !== manifest.files.length) throw damaged("Its files do not match its list.");
  const journals: ({ path: string } & JournalFacts)[] = [];
  for (const { path, kind, bytes, sha256 } of manifest.files) {
    const found = kept.get(path);
    if (found?.bytes !== bytes || found.sha256 !== sha256) throw damaged(`${path} does not match its checksum.`);
    if (kind !== "journal") continue;
    try {
      journals.push({ path, ...checkJournal(join(staging, "data", path)) });
    } catch (error) {
      throw damaged(`${path}: ${(error as Error).message}`);
    }
  }
  return journals;
}
