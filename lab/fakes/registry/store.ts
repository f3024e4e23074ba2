// What the fake registry keeps, on disk: blobs by digest, and per repository its links to blobs, its manifests, its
// tags and its open uploads. The files are the truth, each written whole and renamed, so a kill at any moment loses
// nothing that was answered.

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

/** Opens or creates the store below `root`. Names and digests must have been checked before they get here. */
export function openRegistryStore(root: string) {
  const blobPath = (digest: string): string => join(root, "blobs", hex(digest));
  const inRepository = (repository: string, ...rest: string[]): string =>
    join(root, "repositories", repository, ...rest);
  const uploadPath = (id: string): string => join(root, "uploads", id);
  mkdirSync(join(root, "blobs"), { recursive: true });
  mkdirSync(join(root, "uploads"), { recursive: true });

  const linkBlob = (repository: string, digest: string): void =>
    writeWhole(inRepository(repository, "_blobs", hex(digest)), "");

  return {
    repositoryExists: (repository: string): boolean => existsSync(inRepository(repository, "_manifests")),

    /** Size of a blob that the repository holds; undefined when it does not. */
    blobSize: (repository: string, digest: string): number | undefined =>
      existsSync(inRepository(repository, "_blobs", hex(digest))) ? statSync(blobPath(digest)).size : undefined,

    readBlob: (digest: string): Buffer => readFileSync(blobPath(digest)),

    streamBlob: (digest: string, range?: { start: number; end: number }): Readable =>
      createReadStream(blobPath(digest), range),

    linkBlob,

    startUpload: (repository: string): string => {
      const id = randomUUID();
      writeWhole(`${uploadPath(id)}.repository`, repository);
      writeWhole(uploadPath(id), "");
      return id;
    },

    /** Bytes received so far; undefined when there is no such upload in this repository. */
    uploadSize: (repository: string, id: string): number | undefined => {
      if (!existsSync(uploadPath(id))) return undefined;
      if (readFileSync(`${uploadPath(id)}.repository`, "utf8") !== repository) return undefined;
      return statSync(uploadPath(id)).size;
    },

    /** Appends what the stream brings. When it breaks, what had come stays. */
    appendUpload: async (id: string, body: AsyncIterable<Buffer>): Promise<void> => {
      await using file = await open(uploadPath(id), "a");
      for await (const chunk of body) await file.appendFile(chunk);
    },

    /** Turns an upload into a blob when its content has the digest; otherwise the upload stays and false is answered. */
    finishUpload: async (repository: string, id: string, digest: string): Promise<boolean> => {
      const hash = createHash("sha256");
      await pipeline(createReadStream(uploadPath(id)), hash);
      if (`sha256:${hash.digest("hex")}` !== digest) return false;
      renameSync(uploadPath(id), blobPath(digest));
      linkBlob(repository, digest);
      rmSync(`${uploadPath(id)}.repository`, { force: true });
      return true;
    },

    dropUpload: (id: string): void => {
      rmSync(uploadPath(id), { force: true });
      rmSync(`${uploadPath(id)}.repository`, { force: true });
    },

    putManifest: (repository: string, mediaType: string, bytes: Buffer): string => {
      const digest = sha256(bytes);
      writeWhole(blobPath(digest), bytes);
      writeWhole(inRepository(repository, "_manifests", hex(digest)), mediaType);
      return digest;
    },

    getManifest: (repository: string, reference: string): StoredManifest | undefined => {
      const digest = isDigest(reference) ? reference : readOr(inRepository(repository, "_tags", reference));
      if (digest === undefined) return undefined;
      const mediaType = readOr(inRepository(repository, "_manifests", hex(digest)));
      if (mediaType === undefined) return undefined;
      return { digest, mediaType, bytes: readFileSync(blobPath(digest)) };
    },

    setTag: (repository: string, tag: string, digest: string): void =>
      writeWhole(inRepository(repository, "_tags", tag), digest),

    /** Tag names in lexical order, with the digests they point to. */
    tags: (repository: string): readonly { tag: string; digest: string }[] =>
      list(inRepository(repository, "_tags")).map((tag) => ({
        tag,
        digest: readFileSync(inRepository(repository, "_tags", tag), "utf8"),
      })),

    deleteTag: (repository: string, tag: string): void => rmSync(inRepository(repository, "_tags", tag)),

    deleteManifest: (repository: string, digest: string): void => {
      for (const tag of list(inRepository(repository, "_tags"))) {
        const file = inRepository(repository, "_tags", tag);
        if (readFileSync(file, "utf8") === digest) rmSync(file);
      }
      rmSync(inRepository(repository, "_manifests", hex(digest)), { force: true });
    },

    manifests: (repository: string): readonly string[] =>
      list(inRepository(repository, "_manifests")).map((name) => `sha256:${name}`),

    deleteRepositories: (project: string): void =>
      rmSync(join(root, "repositories", project), { recursive: true, force: true }),
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
