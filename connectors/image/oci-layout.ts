// Reads an image that a builder left as an OCI layout in a folder.

import { readFile, realpath, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { z } from "zod";
import { readJson } from "../answer-problem.ts";
import type { ManifestDocument } from "../oci/client.ts";
import { type Descriptor, imageIndexSchema, imageManifestSchema, isIndex, sha256 } from "../oci/manifest.ts";
import { blobOfFile } from "../oci/upload.ts";
import type { BuiltImage, ImageBlob } from "./push-image.ts";

/** Registries refuse larger ones. */
const MAX_DOCUMENT = 4 * 1_048_576;
const MAX_MANIFESTS = 100;

/** Throws `system-strange` when the layout is none, or something in it is missing or damaged. */
export async function readLayout(folder: string, builder: string): Promise<BuiltImage> {
  const strange = (problem: string): GantryError =>
    new GantryError("system-strange", { system: builder, what: "build an image", problem });
  const parse = <T>(schema: z.ZodType<T>, bytes: Buffer, what: string): T => {
    const read = readJson(schema, bytes.toString("utf8"));
    if ("problem" in read) throw strange(`${what}: ${read.problem}`);
    return read.data;
  };
  const fileOf = ({ digest }: Descriptor): string => join(folder, "blobs", "sha256", digest.slice("sha256:".length));

  const root = await realpath(folder).catch(() => {
    throw strange("there is no layout");
  });
  /** What commands of a Dockerfile may have replaced by a link to a file of the runner is not read. */
  const plain = async (file: string): Promise<string> => {
    const real = await realpath(file).catch(() => undefined);
    const isPlain = real === join(root, relative(folder, file)) && (await stat(real)).isFile();
    if (!isPlain) throw strange(`${relative(folder, file)} is missing, or is not a plain file`);
    return file;
  };
  const document = async (file: string): Promise<Buffer> => {
    if ((await stat(await plain(file))).size > MAX_DOCUMENT) throw strange(`${relative(folder, file)} is too large`);
    return readFile(file);
  };

  const blobs: ImageBlob[] = [];
  const manifests: ManifestDocument[] = [];
  const seen = new Set<string>();
  const add = async (descriptor: Descriptor): Promise<void> => {
    // Indexes that name the same ones many times would be read for ever.
    if (seen.has(descriptor.digest)) return;
    seen.add(descriptor.digest);
    if (seen.size > MAX_MANIFESTS) throw strange(`it left more than ${MAX_MANIFESTS} manifests`);
    const bytes = await document(fileOf(descriptor));
    if (sha256(bytes) !== descriptor.digest) throw strange(`${descriptor.digest} is damaged`);
    if (isIndex(descriptor.mediaType)) {
      for (const child of parse(imageIndexSchema, bytes, "index").manifests) await add(child);
    } else {
      const { config, layers } = parse(imageManifestSchema, bytes, "manifest");
      for (const { mediaType, digest, size } of [...layers, config]) {
        const file = await plain(fileOf({ mediaType, digest, size }));
        if ((await stat(file)).size !== size) throw strange(`${digest} is damaged`);
        blobs.push({
          descriptor: { mediaType, digest, size },
          from: { kind: "local", blob: blobOfFile(digest, size, file) },
        });
      }
    }
    manifests.push({ digest: descriptor.digest, mediaType: descriptor.mediaType, bytes });
  };

  const { manifests: roots } = parse(imageIndexSchema, await document(join(folder, "index.json")), "index.json");
  const [only] = roots;
  if (!only || roots.length !== 1) throw strange(`it left ${counted(roots.length, "image")} instead of one`);
  await add(only);
  return { manifests, blobs, reproducible: false };
}
