// Brings an image into a registry: only the blobs that it lacks, then the manifest by its digest, and the tags last, so
// that a tag never names something incomplete.

import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ManifestDocument, Registry } from "../oci/client.ts";
import { type Descriptor, OCI_EMPTY, OCI_MANIFEST, sha256 } from "../oci/manifest.ts";
import { type BlobSource, blobOfBytes, blobOfFile } from "../oci/upload.ts";

/** A blob is here, or in a registry. */
export type ImageBlob = {
  readonly descriptor: Descriptor;
  readonly from:
    | { readonly kind: "local"; readonly blob: BlobSource }
    | { readonly kind: "registry"; readonly registry: Registry; readonly repository: string };
};

export type BuiltImage = {
  /** The last one is what tags name; those before it are the images of an index. Never empty. */
  readonly manifests: readonly ManifestDocument[];
  readonly blobs: readonly ImageBlob[];
  /** Building it again gives the same digest. */
  readonly reproducible: boolean;
};

export type PushOptions = {
  readonly registry: Registry;
  readonly repository: string;
  readonly image: BuiltImage;
  readonly tags: readonly string[];
  /** Where blobs of other registries rest on their way. */
  readonly scratch: string;
  /** Marks an image that cannot be built twice, so that a later attempt finds it; see `findMarked`. */
  readonly mark?: string;
  readonly log: (line: string) => void;
};

export type PushResult = { readonly digest: string; readonly blobsPushed: number; readonly blobsPresent: number };

export function digestOf(image: BuiltImage): string {
  const last = image.manifests.at(-1);
  if (!last) throw new Error("an image has at least one manifest");
  return last.digest;
}

/** Safe to repeat and to interrupt anywhere: what is there is not sent again. */
export async function pushImage(options: PushOptions): Promise<PushResult> {
  const { registry, repository, image, tags } = options;
  let blobsPushed = 0;
  const blobs = [...new Map(image.blobs.map((blob) => [blob.descriptor.digest, blob])).values()];
  for (const blob of blobs) {
    if (await registry.hasBlob(repository, blob.descriptor.digest)) continue;
    await pushBlob(options, blob);
    blobsPushed++;
  }
  for (const manifest of image.manifests) await putOnce(options, manifest.digest, manifest);
  const digest = digestOf(image);
  if (options.mark !== undefined) await putMark(options, digest, options.mark);
  for (const tag of tags) await tagImage(options, digest, tag);
  return { digest, blobsPushed, blobsPresent: blobs.length - blobsPushed };
}

/** The digest behind the tag, when it was pushed with this mark. */
export async function findMarked(
  registry: Registry,
  repository: string,
  tag: string,
  mark: string,
): Promise<string | undefined> {
  const digest = await registry.headManifest(repository, tag);
  if (digest === undefined) return undefined;
  const referrers = await registry.listReferrers(repository, digest, MARK_TYPE);
  return referrers.some(({ annotations }) => annotations?.[MARK_NOTE] === mark) ? digest : undefined;
}

/** Lets a tag name an image that is there. */
export async function tagImage(
  { registry, repository, image, log }: Pick<PushOptions, "registry" | "repository" | "image" | "log">,
  digest: string,
  tag: string,
): Promise<void> {
  if ((await registry.headManifest(repository, tag)) === digest) return;
  const own = image.manifests.find((one) => one.digest === digest);
  const manifest = own ?? (await registry.getManifest(repository, digest));
  if (!manifest) throw new Error(`${repository} has no manifest ${digest}`);
  await registry.putManifest(repository, tag, manifest);
  log(`tagged ${repository}:${tag}`);
}

const MARK_TYPE = "application/vnd.gantry.push.v1+json";
const MARK_NOTE = "dev.gantry.push";
const EMPTY = Buffer.from("{}");

async function pushBlob(
  { registry, repository, scratch, log }: PushOptions,
  { descriptor, from }: ImageBlob,
): Promise<void> {
  const { digest, size } = descriptor;
  const short = `${digest.slice(0, 19)} (${size} bytes)`;
  if (from.kind === "local") {
    await registry.pushBlob(repository, from.blob);
    return log(`pushed ${short}`);
  }
  // Not on its way yet: the other repository's bytes are fetched only when the registry could not take them by itself.
  const folder = await mkdtemp(join(scratch, "blob-"));
  const file = join(folder, "blob");
  let saved: Promise<void> | undefined;
  const there: BlobSource = {
    digest,
    size,
    read: async (start, end) => {
      saved ??= from.registry.saveBlob(from.repository, descriptor, file);
      await saved;
      return blobOfFile(digest, size, file).read(start, end);
    },
  };
  try {
    const mountFrom = from.registry.url === registry.url ? from.repository : undefined;
    const how = await registry.pushBlob(repository, there, mountFrom);
    log(how === "mounted" ? `mounted ${short} from ${from.repository}` : `copied ${short} from ${from.registry.title}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function putOnce(
  { registry, repository }: PushOptions,
  reference: string,
  manifest: ManifestDocument,
): Promise<void> {
  if ((await registry.headManifest(repository, reference)) === manifest.digest) return;
  await registry.putManifest(repository, reference, manifest);
}

/**
 * An artifact that says it belongs to the image and names the push. It lies beside the image: the image's own content
 * and digest know nothing of the task.
 */
async function putMark(options: PushOptions, digest: string, mark: string): Promise<void> {
  const { registry, repository, image } = options;
  const subject = image.manifests.find((one) => one.digest === digest);
  if (!subject) throw new Error("the image has no such manifest");
  const empty = { mediaType: OCI_EMPTY, digest: sha256(EMPTY), size: EMPTY.length };
  if (!(await registry.hasBlob(repository, empty.digest))) {
    await registry.pushBlob(repository, blobOfBytes(empty.digest, EMPTY));
  }
  const document = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: MARK_TYPE,
    config: empty,
    layers: [empty],
    subject: { mediaType: subject.mediaType, digest, size: subject.bytes.length },
    annotations: { [MARK_NOTE]: mark },
  };
  const bytes = Buffer.from(JSON.stringify(document));
  const marker = { digest: sha256(bytes), mediaType: OCI_MANIFEST, bytes };
  await putOnce(options, marker.digest, marker);
}
