// One layer of an image as a compressed tar file that depends on its entries only: sorted, dated 1970, owned by numbers,
// packed with fixed settings. The same entries give the same bytes in every attempt and on every runner of one release.

import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import tar from "tar-stream";
import { compare } from "./build-context.ts";

export type LayerEntry = {
  /** Without a slash at its beginning or end. */
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly link: string | undefined;
  readonly content: { readonly file: string } | { readonly text: string } | undefined;
};

export type PackedLayer = {
  readonly digest: string;
  readonly size: number;
  /** Digest of the tar before compression. */
  readonly diffId: string;
  readonly file: string;
};

/** The largest owner that the packer can write into the plain header; larger ones go into an extended one. */
const MAX_HEADER_ID = 0o777777;
/** The type bits of a regular file. */
const REGULAR = 0o100000;
const BATCH = 64;
const SMALL_BYTES = 256 * 1024;
const LEVEL = 6;
/** Place of the byte in a gzip header that names the operating system, and the value that means "unknown". */
const GZIP_OS_AT = 9;
const GZIP_OS_UNKNOWN = 255;

/** Writes the layer to `file`. If two entries have the same path, the later one is used. */
export async function packLayer(entries: Iterable<LayerEntry>, file: string): Promise<PackedLayer> {
  const byPath = new Map([...entries].map((entry) => [entry.path, entry]));
  const sorted = [...byPath.values()].sort((a, b) => compare(a.path, b.path));
  const pack = tar.pack();
  const plain = createHash("sha256");
  const packed = createHash("sha256");
  let size = 0;
  const written = pipeline(
    pack,
    tap((chunk) => void plain.update(chunk)),
    createGzip({ level: LEVEL }),
    withoutSystem(),
    tap((chunk) => {
      packed.update(chunk);
      size += chunk.length;
    }),
    createWriteStream(file, { mode: 0o600 }),
  );
  const added = addEntries(pack, sorted);
  await Promise.all([written, added]);
  return { digest: `sha256:${packed.digest("hex")}`, size, diffId: `sha256:${plain.digest("hex")}`, file };
}

/** Small files are read side by side, a batch at a time: opening them one by one would take longer than packing them. */
async function addEntries(pack: tar.Pack, entries: readonly LayerEntry[]): Promise<void> {
  try {
    for (let at = 0; at < entries.length; at += BATCH) {
      const batch = entries.slice(at, at + BATCH);
      const bytes = await Promise.all(batch.map(smallContent));
      for (const [index, entry] of batch.entries()) await addEntry(pack, entry, bytes[index]);
    }
    pack.finalize();
  } catch (error) {
    pack.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

/** Undefined for a large file, which goes through as a stream. */
async function smallContent({ kind, size, content }: LayerEntry): Promise<Buffer | undefined> {
  if (kind !== "file" || !content) return Buffer.alloc(0);
  if ("text" in content) return Buffer.from(content.text);
  return size <= SMALL_BYTES ? readFile(content.file) : undefined;
}

function addEntry(pack: tar.Pack, entry: LayerEntry, bytes: Buffer | undefined): Promise<void> {
  const { path, kind, mode, uid, gid, link, content } = entry;
  const large = Object.entries({ uid, gid }).filter(([, id]) => id > MAX_HEADER_ID);
  const header = {
    name: kind === "directory" ? `${path}/` : path,
    type: kind,
    // The packer takes 0 for missing, and writes only the permissions.
    mode: mode | REGULAR,
    uid,
    gid,
    mtime: new Date(0),
    ...(large.length > 0 ? { pax: Object.fromEntries(large.map(([name, id]) => [name, String(id)])) } : {}),
    ...(kind === "file" ? { size: bytes?.length ?? entry.size } : {}),
    ...(link === undefined ? {} : { linkname: link }),
  };
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null): void => (error ? reject(error) : resolve());
    if (kind !== "file" || bytes || !content || !("file" in content)) return void pack.entry(header, bytes ?? "", done);
    pipeline(createReadStream(content.file), pack.entry(header, done)).catch(reject);
  });
}

function tap(look: (chunk: Buffer) => void): Transform {
  return new Transform({
    transform(chunk: Buffer, _, done) {
      look(chunk);
      done(null, chunk);
    },
  });
}

/** The compressor writes the operating system into the header; it would make the digest depend on the machine. */
function withoutSystem(): Transform {
  let at = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      const place = GZIP_OS_AT - at;
      if (place >= 0 && place < chunk.length) chunk[place] = GZIP_OS_UNKNOWN;
      at += chunk.length;
      done(null, chunk);
    },
  });
}
