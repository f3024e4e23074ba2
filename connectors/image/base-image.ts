// The image that a stage begins with: found in its registry, for the platform that is asked for, with its config.

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { GantryError } from "@gantry/core/errors.ts";
import tar from "tar-stream";
import { z } from "zod";
import { readJson } from "../answer-problem.ts";
import type { Registry } from "../oci/client.ts";
import {
  type Descriptor,
  type ImageConfig,
  imageConfigSchema,
  imageIndexSchema,
  imageManifestSchema,
  isIndex,
  isSamePlatform,
  type Platform,
  platformText,
} from "../oci/manifest.ts";
import { type ImageReference, parseReference } from "../oci/reference.ts";
import type { Owner } from "./build-context.ts";
import { type Found, LayeredFiles, type Lookup } from "./image-paths.ts";

export type BaseImage = {
  readonly registry: Registry;
  readonly repository: string;
  readonly layers: readonly Descriptor[];
  readonly config: ImageConfig;
  /** Digest of the image's manifest. */
  readonly digest: string;
};

const MAX_CONFIG = 4 * 1024 * 1024;
const MAX_ACCOUNTS = 1024 * 1024;

/** `isAsked`: the Dockerfile or the step names the platform, so an image without variants must be for it. */
export type WantedPlatform = { readonly platform: Platform; readonly isAsked: boolean };

/** Throws `dockerfile-invalid` when the name is none, there is no such image, or it is for another platform. */
export async function readBaseImage(
  name: string,
  { platform, isAsked }: WantedPlatform,
  line: number,
  registryOf: (reference: ImageReference) => Registry,
): Promise<BaseImage> {
  const invalid = (detail: string): GantryError =>
    new GantryError(
      "dockerfile-invalid",
      { problem: `line ${line}: FROM: ${detail}` },
      { problems: [{ detail, line }] },
    );
  const reference = parseReference(name);
  if (!reference) throw invalid(`"${name}" is not a valid name of an image`);
  const registry = registryOf(reference);
  const { repository } = reference;
  let manifest = await registry.getManifest(repository, reference.digest ?? reference.tag ?? "latest");
  if (!manifest) throw invalid(`there is no image ${name}`);
  if (isIndex(manifest.mediaType)) {
    const index = parse(registry, `index of ${name}`, imageIndexSchema, manifest.bytes);
    const child = usableOn(platform)
      .map((usable) => index.manifests.find((one) => one.platform && isSamePlatform(one.platform, usable)))
      .find((one) => one !== undefined);
    if (!child) throw invalid(`${name} has no variant for ${platformText(platform)}`);
    manifest = await registry.getManifest(repository, child.digest);
    if (!manifest) throw invalid(`the image ${name} is incomplete`);
  }
  const { config, layers } = parse(registry, `manifest of ${name}`, imageManifestSchema, manifest.bytes);
  const bytes = await registry.readBlob(repository, config, MAX_CONFIG);
  const parsed = parse(registry, `config of ${name}`, imageConfigSchema, bytes);
  if (isAsked && !usableOn(platform).some((usable) => isSamePlatform(parsed, usable)))
    throw invalid(`${name} is for ${platformText(parsed)}, and not for ${platformText(platform)}`);
  return { registry, repository, layers, config: parsed, digest: manifest.digest };
}

/** The platforms whose programs run there, the best one first, as builders choose. */
function usableOn(platform: Platform): readonly Platform[] {
  const { architecture, variant = "" } = platform;
  const arm = architecture === "arm" ? Number(/^v([6-8])$/.exec(variant)?.[1] ?? 0) : 0;
  const lower = [7, 6, 5].filter((one) => one < arm).map((one) => ({ ...platform, variant: `v${one}` }));
  return [platform, ...lower];
}

const baseFilesSchema = z.object({
  directories: z.array(z.string()),
  files: z.array(z.string()),
  links: z.array(z.tuple([z.string(), z.string()])),
  accounts: z.object({ passwd: z.string(), group: z.string() }),
});
type FilesDocument = z.infer<typeof baseFilesSchema>;
/** The texts of /etc/passwd and /etc/group. */
export type Accounts = FilesDocument["accounts"];

export type BaseFiles = {
  /** Looks up paths of the base image. */
  readonly lookup: () => Promise<Lookup>;
  /** `newer` are the accounts that the stage has added. */
  readonly ownerOf: (text: string, newer: Partial<Accounts>) => Promise<Owner | undefined>;
};

/** Reads the layers of the image at the first call and keeps the result in `cache` by digest. */
export function filesOf(base: BaseImage | undefined, cache: string, limits: LayerLimits = LIMITS): BaseFiles {
  let loaded: Promise<Loaded> | undefined;
  const load = (): Promise<Loaded> => {
    loaded ??= (base ? loadFiles(base, cache, limits) : Promise.resolve(NOTHING)).then(indexed);
    return loaded;
  };
  return {
    lookup: async () => {
      const { directories, files, links } = await load();
      return (path) => {
        const link = links.get(path);
        if (link !== undefined) return { kind: "symlink", link };
        if (directories.has(path)) return { kind: "directory" };
        return files.has(path) ? { kind: "file" } : undefined;
      };
    },
    ownerOf: async (text, newer) => {
      const numeric = /^(\d+)(?::(\d+))?$/.exec(text);
      if (numeric) return inRange({ uid: Number(numeric[1]), gid: Number(numeric[2] ?? numeric[1]) });
      return findOwner(text, { ...(await load()).accounts, ...newer });
    },
  };
}

type Loaded = {
  readonly directories: ReadonlySet<string>;
  readonly files: ReadonlySet<string>;
  readonly links: ReadonlyMap<string, string>;
  readonly accounts: Accounts;
};
const NOTHING: FilesDocument = { directories: [], files: [], links: [], accounts: { passwd: "", group: "" } };

function indexed({ directories, files, links, accounts }: FilesDocument): Loaded {
  return { directories: new Set(directories), files: new Set(files), links: new Map(links), accounts };
}

async function loadFiles(base: BaseImage, cache: string, limits: LayerLimits): Promise<FilesDocument> {
  const folder = join(cache, "image", "base-4");
  const file = join(folder, `${base.digest.replace("sha256:", "")}.json`);
  try {
    return baseFilesSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const document = await readLayers(base, limits);
  await mkdir(folder, { recursive: true });
  const temporary = `${file}.${crypto.randomUUID()}.new`;
  await writeFile(temporary, JSON.stringify(document));
  await rename(temporary, file);
  return document;
}

/** All layers of an image together: entries, and bytes when they are unpacked. */
export type LayerLimits = { readonly entries: number; readonly bytes: number };
/** Several times the largest images of operating systems and toolchains. */
const LIMITS: LayerLimits = { entries: 2_000_000, bytes: 64 * 1024 ** 3 };

/** Counts an entry. Throws `system-strange` when there are too many, or what they unpack to is too large. */
function budgetOf({ registry, repository }: BaseImage, limits: LayerLimits): (size: number) => void {
  let [entries, bytes] = [0, 0];
  return (size) => {
    entries += 1;
    bytes += size;
    if (entries <= limits.entries && bytes <= limits.bytes) return;
    const problem = `its layers have more than ${limits.entries} entries or ${limits.bytes} bytes`;
    throw new GantryError("system-strange", { system: registry.title, what: `read layers of ${repository}`, problem });
  };
}

type Entry = tar.Extract extends AsyncIterable<infer E> ? E : never;

/** Applies the layers in order, so that the result is what a container sees. */
async function readLayers(base: BaseImage, limits: LayerLimits): Promise<FilesDocument> {
  const budget = budgetOf(base, limits);
  const files = new LayeredFiles();
  const accounts = { passwd: "", group: "" };
  for (const [number, layer] of base.layers.entries()) {
    for await (const entry of entriesIn(base, layer)) {
      budget(entry.header.size ?? 0);
      const path = posix.join("/", nameOf(entry.header)).slice(1).replace(/\/$/, "");
      const name = posix.basename(path);
      // What deletes is for the layers below, wherever it stands among the entries of its own.
      if (name === ".wh..wh..opq") files.empty(posix.dirname(path), number);
      else if (name.startsWith(".wh.")) files.delete([posix.dirname(path), name.slice(4)], number);
      else files.put(path, foundIn(entry.header), number);
      if (path === "etc/passwd") accounts.passwd = await textOf(entry);
      else if (path === "etc/group") accounts.group = await textOf(entry);
      else entry.resume();
    }
  }
  const document: FilesDocument = { directories: [], files: [], links: [], accounts };
  for (const [path, found] of files.all()) {
    if (found.kind === "symlink") document.links.push([path, found.link]);
    else (found.kind === "directory" ? document.directories : document.files).push(path);
  }
  document.directories.sort();
  return document;
}

/** An option that the types of the library lack: the oldest format of tar has no mark. */
const OLD_FORMATS_TOO: object = { allowUnknownFormat: true };

async function* entriesIn({ registry, repository }: BaseImage, layer: Descriptor): AsyncGenerator<Entry> {
  const { first, all } = await peeked(registry.streamBlob(repository, layer));
  const bytes = Readable.from(all, { objectMode: false });
  const extract = tar.extract(OLD_FORMATS_TOO);
  // Builders trust the bytes, too, and not the media type.
  const isPacked = (magic: string): boolean => first.toString("hex").startsWith(magic);
  const unpack = isPacked("1f8b") ? createGunzip() : isPacked("28b52ffd") ? createZstdDecompress() : undefined;
  const source = unpack ? bytes.pipe(unpack) : bytes;
  bytes.on("error", (error) => extract.destroy(error));
  source.on("error", (error) => extract.destroy(error));
  source.pipe(extract);
  try {
    yield* extract;
  } catch (error) {
    if (error instanceof GantryError) throw error;
    const problem = `its layer ${layer.digest} cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`;
    throw new GantryError("system-strange", { system: registry.title, what: `read layers of ${repository}`, problem });
  }
}

/** The first bytes of a stream, and the stream with them. */
async function peeked(stream: AsyncIterable<Uint8Array>) {
  const chunks = stream[Symbol.asyncIterator]();
  let first = Buffer.alloc(0);
  let isAtEnd = false;
  while (first.length < 4 && !isAtEnd) {
    const { value, done } = await chunks.next();
    if (done === true) isAtEnd = true;
    else first = Buffer.concat([first, value]);
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield first;
    if (!isAtEnd) yield* { [Symbol.asyncIterator]: () => chunks };
  }
  return { first, all: all() };
}

/** Files with holes have a name of their own in the archive. */
function nameOf({ name, pax }: tar.Header): string {
  const { "GNU.sparse.name": real = name }: { readonly "GNU.sparse.name"?: string } = pax ?? {};
  return real;
}

function foundIn({ type, linkname }: tar.Header): Found {
  if (type === "directory") return { kind: "directory" };
  return type === "symlink" && linkname ? { kind: "symlink", link: linkname } : { kind: "file" };
}

async function textOf(entry: Entry): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of entry as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_ACCOUNTS) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** `user`, `user:group`, with names or numbers; a user's own group when none is named. */
function findOwner(text: string, { passwd, group }: Accounts): Owner | undefined {
  const [user = "", groupName, ...more] = text.split(":");
  if (more.length > 0) return undefined;
  const account = passwd
    .split("\n")
    .map((line) => line.split(":"))
    .find(([name]) => name === user);
  const uid = /^\d+$/.test(user) ? Number(user) : Number(account?.[2] ?? Number.NaN);
  const named = group
    .split("\n")
    .map((line) => line.split(":"))
    .find(([name]) => name === groupName);
  const groupId =
    groupName === undefined ? (account?.[3] ?? String(uid)) : /^\d+$/.test(groupName) ? groupName : named?.[2];
  const gid = Number(groupId ?? Number.NaN);
  return Number.isInteger(uid) && Number.isInteger(gid) ? { uid, gid } : undefined;
}

function parse<T>(registry: Registry, what: string, schema: z.core.$ZodType<T>, bytes: Buffer): T {
  const read = readJson(schema, bytes.toString("utf8"));
  if ("data" in read) return read.data;
  throw new GantryError("system-strange", { system: registry.title, what: `read ${what}`, problem: read.problem });
}

/** Numbers that Linux and every builder take. */
function inRange(owner: Owner): Owner | undefined {
  return Math.max(owner.uid, owner.gid) < 2 ** 31 ? owner : undefined;
}
