// What the fake registry keeps, on disk: blobs by digest, and per repository its links to blobs, its manifests, its
// tags and its open uploads. Every file is written whole and then renamed, so a kill at any moment loses nothing that was
// acknowledged.

import { createHash, randomUUID } from "node:crypto";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

export type StoredManifest = {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
};

export type RegistryStore = ReturnType<typeof openRegistryStore>;

const DIGEST = /^sha256:[a-f0-9]{64}$/;

export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

export function sha256(bytes: Buffer | string): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Paths below the root of a store. */
type Layout = {
  readonly blob: (digest: string) => string;
  readonly inRepository: (repository: string, ...rest: string[]) => string;
  readonly upload: (id: string) => string;
};

/** Opens or creates the store below `root`. Names and digests must have been checked before they get here. */
export function openRegistryStore(root: string) {
  const layout: Layout = {
    blob: (digest) => join(root, "blobs", hex(digest)),
    inRepository: (repository, ...rest) => join(root, "repositories", repository, ...rest),
    upload: (id) => join(root, "uploads", id),
  };
  mkdirSync(join(root, "blobs"), { recursive: true });
  mkdirSync(join(root, "uploads"), { recursive: true });
  const blobs = openBlobs(layout);
  return {
    repositoryExists: (repository: string): boolean => existsSync(layout.inRepository(repository, "_manifests")),
    ...blobs,
    ...openUploads(layout, blobs.linkBlob),
    ...openManifests(layout),
    ...openTags(layout),
    deleteRepositories: (project: string): void =>
      rmSync(join(root, "repositories", project), { recursive: true, force: true }),
  };
}

function openBlobs({ blob, inRepository }: Layout) {
  return {
    /** Size of a blob that the repository holds; undefined when it does not. */
    blobSize: (repository: string, digest: string): number | undefined =>
      existsSync(inRepository(repository, "_blobs", hex(digest))) ? statSync(blob(digest)).size : undefined,

    readBlob: (digest: string): Buffer => readFileSync(blob(digest)),

    streamBlob: (digest: string, range?: { start: number; end: number }): Readable =>
      createReadStream(blob(digest), range),

    linkBlob: (repository: string, digest: string): void =>
      writeWhole(inRepository(repository, "_blobs", hex(digest)), ""),
  };
}

function openUploads({ blob, upload }: Layout, linkBlob: (repository: string, digest: string) => void) {
  return {
    startUpload: (repository: string): string => {
      const id = randomUUID();
      writeWhole(`${upload(id)}.repository`, repository);
      writeWhole(upload(id), "");
      return id;
    },

    /** Bytes received so far; undefined when there is no such upload in this repository. */
    uploadSize: (repository: string, id: string): number | undefined => {
      if (!existsSync(upload(id))) return undefined;
      if (readFileSync(`${upload(id)}.repository`, "utf8") !== repository) return undefined;
      return statSync(upload(id)).size;
    },

    /** Appends the bytes of the stream. If it breaks, the bytes received before stay. */
    appendUpload: async (id: string, body: AsyncIterable<Buffer>): Promise<void> => {
      await using file = await open(upload(id), "a");
      for await (const chunk of body) await file.appendFile(chunk);
    },

    /** Turns an upload into a blob if its content has the digest; otherwise keeps the upload and returns false. */
    finishUpload: async (repository: string, id: string, digest: string): Promise<boolean> => {
      const hash = createHash("sha256");
      await pipeline(createReadStream(upload(id)), hash);
      if (`sha256:${hash.digest("hex")}` !== digest) return false;
      renameSync(upload(id), blob(digest));
      linkBlob(repository, digest);
      rmSync(`${upload(id)}.repository`, { force: true });
      return true;
    },

    dropUpload: (id: string): void => {
      rmSync(upload(id), { force: true });
      rmSync(`${upload(id)}.repository`, { force: true });
    },
  };
}

function openManifests({ blob, inRepository }: Layout) {
  return {
    putManifest: (repository: string, mediaType: string, bytes: Buffer): string => {
      const digest = sha256(bytes);
      writeWhole(blob(digest), bytes);
      writeWhole(inRepository(repository, "_manifests", hex(digest)), mediaType);
      return digest;
    },

    getManifest: (repository: string, reference: string): StoredManifest | undefined => {
      const digest = isDigest(reference) ? reference : readOr(inRepository(repository, "_tags", reference));
      if (digest === undefined) return undefined;
      const mediaType = readOr(inRepository(repository, "_manifests", hex(digest)));
      if (mediaType === undefined) return undefined;
      return { digest, mediaType, bytes: readFileSync(blob(digest)) };
    },

    deleteManifest: (repository: string, digest: string): void => {
      for (const tag of list(inRepository(repository, "_tags"))) {
        const file = inRepository(repository, "_tags", tag);
        if (readFileSync(file, "utf8") === digest) rmSync(file);
      }
      rmSync(inRepository(repository, "_manifests", hex(digest)), { force: true });
    },

    manifests: (repository: string): readonly string[] =>
      list(inRepository(repository, "_manifests")).map((name) => `sha256:${name}`),
  };
}

function openTags({ inRepository }: Layout) {
  return {
    setTag: (repository: string, tag: string, digest: string): void =>
      writeWhole(inRepository(repository, "_tags", tag), digest),

    /** Tag names in lexical order, with the digests they point to. */
    tags: (repository: string): readonly { tag: string; digest: string }[] =>
      list(inRepository(repository, "_tags")).map((tag) => ({
        tag,
        digest: readFileSync(inRepository(repository, "_tags", tag), "utf8"),
      })),

    deleteTag: (repository: string, tag: string): void => rmSync(inRepository(repository, "_tags", tag)),
  };
}

function hex(digest: string): string {
  return digest.slice("sha256:".length);
}

function list(folder: string): string[] {
  return existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => !name.endsWith(".new"))
        .sort()
    : [];
}

function readOr(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

function writeWhole(file: string, content: string | Buffer): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${randomUUID()}.new`;
  writeFileSync(temporary, content);
  renameSync(temporary, file);
}
