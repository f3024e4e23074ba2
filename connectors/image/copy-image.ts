// Copies an image from one registry to another by its digest, with everything that belongs to it: the images of an index,
// and what refers to them (signatures, attestations, lists of contents).

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonValue } from "@gantry/core/json.ts";
import type { ManifestDocument, Registry } from "../oci/client.ts";
import { type Descriptor, imageIndexSchema, imageManifestSchema, isIndex } from "../oci/manifest.ts";
import { type ImageBlob, pushImage } from "./push-image.ts";

export type CopyOptions = {
  readonly source: Registry;
  readonly target: Registry;
  /** The same path in both. */
  readonly repository: string;
  /** Where blobs rest on their way. */
  readonly scratch: string;
  readonly log: (line: string) => void;
};

export type Copied = { readonly manifests: number; readonly blobs: number };

/** An index with its images and their attachments; more is no image that a build made. */
const MAX_MANIFESTS = 2_000;

/**
 * Undefined: the source does not have it. Safe to repeat and to interrupt anywhere: what is there is not sent again, and a
 * manifest is stored only after everything that it names.
 */
export async function copyImage(options: CopyOptions, digest: string): Promise<Copied | undefined> {
  const { source, repository } = options;
  const root = await source.getManifest(repository, digest);
  if (root === undefined) return undefined;
  const done = new Map<string, number>();
  await copyManifest(options, root, done);
  return { manifests: done.size, blobs: [...done.values()].reduce((sum, blobs) => sum + blobs, 0) };
}

/** `done`: how many blobs were sent for each manifest so far. */
async function copyManifest(
  options: CopyOptions,
  manifest: ManifestDocument,
  done: Map<string, number>,
): Promise<void> {
  if (done.has(manifest.digest)) return;
  const { source, target, repository, scratch, log } = options;
  if (done.size >= MAX_MANIFESTS)
    throw strange(options, manifest.digest, `it has more than ${MAX_MANIFESTS} manifests`);
  done.set(manifest.digest, 0);
  const { children, blobs } = partsOf(options, manifest);
  for (const child of children) await copyManifest(options, await mustRead(options, child), done);
  if ((await target.headManifest(repository, manifest.digest)) === undefined) {
    const image = { manifests: [manifest], blobs, reproducible: true };
    const { blobsPushed } = await pushImage({ registry: target, repository, image, tags: [], scratch, log });
    done.set(manifest.digest, blobsPushed);
  }
  for (const referrer of await source.listReferrers(repository, manifest.digest))
    await copyManifest(options, await mustRead(options, referrer.digest), done);
  await copySignatureTags(options, manifest.digest, done);
}

/** Cosign keeps these beside the image as tags, unless it is told to use referrers. */
const SIGNATURE_TAGS = ["sig", "att", "sbom"];

/** A tag that the target has stays: what was signed there must not get lost. */
async function copySignatureTags(options: CopyOptions, digest: string, done: Map<string, number>): Promise<void> {
  const { source, target, repository } = options;
  for (const kind of SIGNATURE_TAGS) {
    const tag = `${digest.replace(":", "-")}.${kind}`;
    const found = await source.getManifest(repository, tag);
    if (found === undefined || (await target.headManifest(repository, tag)) !== undefined) continue;
    await copyManifest(options, found, done);
    await target.putManifest(repository, tag, found);
  }
}

type Parts = { readonly children: readonly string[]; readonly blobs: readonly ImageBlob[] };

function partsOf(options: CopyOptions, { digest, mediaType, bytes }: ManifestDocument): Parts {
  const document = JSON.parse(bytes.toString("utf8")) as JsonValue;
  if (isIndex(mediaType)) {
    const index = imageIndexSchema.safeParse(document);
    if (!index.success) throw strange(options, digest, "it is not an image index");
    return { children: index.data.manifests.map((one) => one.digest), blobs: [] };
  }
  const manifest = imageManifestSchema.safeParse(document);
  if (!manifest.success) throw strange(options, digest, `it is not an image manifest (${mediaType || "no type"})`);
  const { source: registry, repository } = options;
  const descriptors = [manifest.data.config, ...manifest.data.layers].filter(isStored);
  return {
    children: [],
    blobs: descriptors.map((descriptor) => ({ descriptor, from: { kind: "registry", registry, repository } })),
  };
}

/** Layers of Windows may not be distributed: registries refer to them, and do not have them. */
function isStored({ mediaType }: Descriptor): boolean {
  return !/\.(?:foreign|nondistributable)\./.test(mediaType);
}

async function mustRead(options: CopyOptions, digest: string): Promise<ManifestDocument> {
  const found = await options.source.getManifest(options.repository, digest);
  if (found !== undefined) return found;
  throw strange(options, digest, "another manifest names it, and it is not there");
}

function strange({ source, repository }: CopyOptions, digest: string, problem: string): GantryError {
  return new GantryError("system-strange", {
    system: source.title,
    what: `read manifest ${repository} ${digest}`,
    problem,
  });
}
