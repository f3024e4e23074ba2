// Reads an image that a builder left in a folder.

import { existsSync } from "node:fs";
import { readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { z } from "zod";
import { readJson } from "../answer-problem.ts";
import type { ManifestDocument } from "../oci/client.ts";
import {
  type Descriptor,
  imageConfigSchema,
  imageIndexSchema,
  imageManifestSchema,
  isIndex,
  OCI_CONFIG,
  OCI_MANIFEST,
  ociType,
  sha256,
} from "../oci/manifest.ts";
import { blobOfBytes, blobOfFile } from "../oci/upload.ts";
import type { BuiltImage, ImageBlob } from "./push-image.ts";

/** Registries refuse larger ones. */
const MAX_DOCUMENT = 4 * 1_048_576;
const MAX_MANIFESTS = 100;

/**
 * Reads an OCI layout, or a folder of the transport `dir:`, whose image becomes one of OCI. Throws `system-strange` when the
 * folder is neither, or something in it is missing or damaged.
 */
export async function readLayout(folder: string, builder: string): Promise<BuiltImage> {
  const files = await openFolder(folder, builder);
  return files.has("manifest.json") && !files.has("index.json") ? readDirectory(files) : readIndex(files);
}

type Files = {
  readonly folder: string;
  readonly has: (name: string) => boolean;
  /** The path of a plain file. */
  readonly plain: (name: string) => Promise<string>;
  /** A small file. */
  readonly document: (name: string) => Promise<Buffer>;
  readonly parse: <T>(schema: z.core.$ZodType<T>, bytes: Buffer, what: string) => T;
  readonly strange: (problem: string) => GantryError;
};

async function openFolder(folder: string, builder: string): Promise<Files> {
  const strange = (problem: string): GantryError =>
    new GantryError("system-strange", { system: builder, what: "build an image", problem });
  const root = await realpath(folder).catch(() => {
    throw strange("there is no layout");
  });
  /** What commands of a Dockerfile may have replaced by a link to a file of the runner is not read. */
  const plain = async (name: string): Promise<string> => {
    const real = await realpath(join(folder, name)).catch(() => undefined);
    const isPlain = real === join(root, name) && (await stat(real)).isFile();
    if (!isPlain) throw strange(`${name} is missing, or is not a plain file`);
    return join(folder, name);
  };
  return {
    folder,
    strange,
    plain,
    has: (name) => existsSync(join(folder, name)),
    document: async (name) => {
      const file = await plain(name);
      if ((await stat(file)).size > MAX_DOCUMENT) throw strange(`${name} is too large`);
      return readFile(file);
    },
    parse: (schema, bytes, what) => {
      const read = readJson(schema, bytes.toString("utf8"));
      if ("problem" in read) throw strange(`${what}: ${read.problem}`);
      return read.data;
    },
  };
}

async function localBlob({ plain, strange }: Files, descriptor: Descriptor, name: string): Promise<ImageBlob> {
  const { mediaType, digest, size } = descriptor;
  const file = await plain(name);
  if ((await stat(file)).size !== size) throw strange(`${digest} is damaged`);
  return { descriptor: { mediaType, digest, size }, from: { kind: "local", blob: blobOfFile(digest, size, file) } };
}

async function readIndex(files: Files): Promise<BuiltImage> {
  const { document, parse, strange } = files;
  const nameOf = ({ digest }: Descriptor): string => `blobs/sha256/${digest.slice("sha256:".length)}`;
  const blobs: ImageBlob[] = [];
  const manifests: ManifestDocument[] = [];
  const seen = new Set<string>();
  const add = async (descriptor: Descriptor): Promise<void> => {
    // Indexes that name the same ones many times would be read for ever.
    if (seen.has(descriptor.digest)) return;
    seen.add(descriptor.digest);
    if (seen.size > MAX_MANIFESTS) throw strange(`it left more than ${MAX_MANIFESTS} manifests`);
    const bytes = await document(nameOf(descriptor));
    if (sha256(bytes) !== descriptor.digest) throw strange(`${descriptor.digest} is damaged`);
    if (isIndex(descriptor.mediaType)) {
      for (const child of parse(imageIndexSchema, bytes, "index").manifests) await add(child);
    } else {
      const { config, layers } = parse(imageManifestSchema, bytes, "manifest");
      for (const one of [...layers, config]) blobs.push(await localBlob(files, one, nameOf(one)));
    }
    manifests.push({ digest: descriptor.digest, mediaType: descriptor.mediaType, bytes });
  };
  const { manifests: roots } = parse(imageIndexSchema, await document("index.json"), "index.json");
  const [only] = roots;
  if (!only || roots.length !== 1) throw strange(`it left ${counted(roots.length, "image")} instead of one`);
  await add(only);
  return { manifests, blobs, reproducible: false };
}

/** What OCI and Docker say of a container. The rest, such as the name of the machine that built it, is new in every build. */
const RUNTIME = [
  "User",
  "ExposedPorts",
  "Env",
  "Entrypoint",
  "Cmd",
  "Volumes",
  "WorkingDir",
  "Labels",
  "StopSignal",
  "StopTimeout",
  "Healthcheck",
  "OnBuild",
  "Shell",
  "ArgsEscaped",
];
const TOP = ["created", "author", "architecture", "os", "os.version", "os.features", "variant", "rootfs", "history"];

async function readDirectory(files: Files): Promise<BuiltImage> {
  const { document, parse, strange } = files;
  const nameOf = ({ digest }: Descriptor): string => digest.slice("sha256:".length);
  const written = parse(imageManifestSchema, await document("manifest.json"), "manifest.json");
  const configBytes = await document(nameOf(written.config));
  if (sha256(configBytes) !== written.config.digest) throw strange(`${written.config.digest} is damaged`);
  const { config, ...top } = parse(imageConfigSchema, configBytes, "config");
  const bytes = Buffer.from(JSON.stringify({ ...only(top, TOP), config: only(config ?? {}, RUNTIME) }));
  const layers = written.layers.map((one) => ({ ...one, mediaType: ociType(one.mediaType) }));
  const blobs = await Promise.all(layers.map((one) => localBlob(files, one, nameOf(one))));
  const descriptor = { mediaType: OCI_CONFIG, digest: sha256(bytes), size: bytes.length };
  blobs.push({ descriptor, from: { kind: "local", blob: blobOfBytes(descriptor.digest, bytes) } });
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: descriptor, layers };
  const manifestBytes = Buffer.from(JSON.stringify(manifest));
  const digest = sha256(manifestBytes);
  return { manifests: [{ digest, mediaType: OCI_MANIFEST, bytes: manifestBytes }], blobs, reproducible: false };
}

/** These fields, without those that say nothing. */
function only(record: Readonly<Record<string, unknown>>, fields: readonly string[]): Record<string, unknown> {
  const isEmpty = (value: unknown): boolean =>
    value === null || value === "" || (typeof value === "object" && Object.keys(value).length === 0);
  return Object.fromEntries(
    fields.flatMap((field) => (field in record && !isEmpty(record[field]) ? [[field, record[field]]] : [])),
  );
}
