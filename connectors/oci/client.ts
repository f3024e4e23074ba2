// A client of the OCI distribution API (1.1), with the calls that pulling a base image and pushing an image need.

import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { isJsonObject } from "@gantry/core/json.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { z } from "zod";
import { type Descriptor, descriptorSchema, MANIFEST_ACCEPT, sha256 } from "./manifest.ts";
import { checkDigest, isDigest } from "./reference.ts";
import {
  createTransport,
  parseJson,
  pullScope,
  pushScope,
  type RegistryCall,
  type RegistryOptions,
  readAnswer,
  registryError,
} from "./transport.ts";
import { type BlobSource, isBlob, mustBeStored, uploadBlob } from "./upload.ts";

export type ManifestDocument = { readonly digest: string; readonly mediaType: string; readonly bytes: Buffer };

/**
 * One registry. `repository` and `reference` (tag or digest) must be valid names. Errors are those of the transport. Safe
 * to use concurrently. Whatever is read is checked against its digest; a difference is `system-strange`.
 */
export type Registry = {
  readonly title: string;
  readonly url: string;
  /** The digest behind a tag or digest; undefined when it is not there. */
  readonly headManifest: (repository: string, reference: string) => Promise<string | undefined>;
  readonly getManifest: (repository: string, reference: string) => Promise<ManifestDocument | undefined>;
  /** Stores the bytes as they are, below the tag or digest. Everything that the manifest names must be there. */
  readonly putManifest: (repository: string, reference: string, manifest: ManifestDocument) => Promise<void>;
  readonly hasBlob: (repository: string, digest: string) => Promise<boolean>;
  readonly readBlob: (repository: string, blob: Descriptor, maxBytes: number) => Promise<Buffer>;
  readonly saveBlob: (repository: string, blob: Descriptor, file: string) => Promise<void>;
  /** The bytes as they come; the digest is checked at the end, so nothing may be relied on before it. */
  readonly streamBlob: (repository: string, blob: Descriptor) => AsyncIterable<Uint8Array>;
  /**
   * Brings a blob into the repository, from another repository of the same registry where `from` has it, else by upload.
   * A connection that drops is continued where it broke off, as long as some bytes get through.
   */
  readonly pushBlob: (repository: string, blob: BlobSource, from?: string) => Promise<"mounted" | "uploaded">;
  /** Manifests that say they belong to this one, of one type or of all. */
  readonly listReferrers: (repository: string, digest: string, artifactType?: string) => Promise<readonly Referrer[]>;
};

export type Referrer = Descriptor & { readonly artifactType?: string | undefined };

/** Every error of a registry lists errors. */
const errorsSchema = z.object({ errors: z.array(z.unknown()) });
/** Of a list that comes in pages. */
const MAX_PAGES = 100;
const MAX_MANIFEST = 4 * 1024 * 1024;
const referrersSchema = z.object({
  manifests: z.array(descriptorSchema.extend({ artifactType: z.string().optional() })).max(10_000),
});

/** A client of one registry, good for one step: it keeps its tokens. */
export function createRegistry(options: RegistryOptions): Registry {
  const send = createTransport(options);
  const call: RegistryCall = { options, send };
  return {
    title: options.title,
    url: options.url,
    headManifest: (repository, reference) => headManifest(call, repository, reference),
    getManifest: (repository, reference) => getManifest(call, repository, reference),
    putManifest: (repository, reference, manifest) => putManifest(call, repository, reference, manifest),
    hasBlob: async (repository, digest) => {
      const response = await send({
        method: "HEAD",
        address: `v2/${repository}/blobs/${digest}`,
        scopes: [pullScope(repository)],
        what: `look for a blob in ${repository}`,
        expect: [404],
      });
      return isBlob(response, digest);
    },
    readBlob: (repository, blob, maxBytes) => readBlob(call, repository, blob, maxBytes),
    saveBlob: async (repository, blob, file) => {
      await pipeline(streamBlob(call, repository, blob), createWriteStream(file, { mode: 0o600 }));
    },
    streamBlob: (repository, blob) => streamBlob(call, repository, blob),
    pushBlob: (repository, blob, from) => uploadBlob(call, repository, blob, from),
    listReferrers: (repository, digest, artifactType) => listReferrers(call, repository, digest, artifactType),
  };
}

async function headManifest(call: RegistryCall, repository: string, reference: string): Promise<string | undefined> {
  const { options, send } = call;
  const what = `look for ${repository} ${reference}`;
  const response = await send({
    method: "HEAD",
    address: `v2/${repository}/manifests/${reference}`,
    scopes: [pullScope(repository)],
    headers: { accept: MANIFEST_ACCEPT },
    what,
    expect: [404],
  });
  const digest = response.headers.get("docker-content-digest");
  if (response.status === 200 && digest !== null) return checkDigest(digest, options.title, what);
  if (response.status === 404 && response.headers.has("docker-distribution-api-version")) return undefined;
  // HEAD has no body that could tell a registry's answer from that of a proxy in front of one that starts.
  return (await getManifest(call, repository, reference))?.digest;
}

async function getManifest(
  { options, send }: RegistryCall,
  repository: string,
  reference: string,
): Promise<ManifestDocument | undefined> {
  const what = `read manifest ${repository} ${reference}`;
  const fail = (problem: string): Error => registryError(options, "system-strange", what, problem, 200);
  const response = await send({
    method: "GET",
    address: `v2/${repository}/manifests/${reference}`,
    scopes: [pullScope(repository)],
    headers: { accept: MANIFEST_ACCEPT },
    what,
    expect: [404],
  });
  const bytes = await readAnswer(options, what, response, MAX_MANIFEST);
  if (response.status === 404) {
    if (errorsSchema.safeParse(parseJson(bytes)).success) return undefined;
    throw registryError(options, "system-unavailable", what, "status 404, not from a registry", 404);
  }
  if (!isJsonObject(parseJson(bytes))) throw fail("it is not JSON");
  const digest = sha256(bytes);
  if (isDigest(reference) && reference !== digest) throw fail(`the content has the digest ${digest}`);
  const mediaType = (response.headers.get("content-type") ?? "").split(";")[0]?.trim() ?? "";
  return { digest, mediaType, bytes };
}

async function putManifest(
  { options, send }: RegistryCall,
  repository: string,
  reference: string,
  manifest: ManifestDocument,
): Promise<void> {
  const what = `push manifest ${repository} ${reference}`;
  const response = await send({
    method: "PUT",
    address: `v2/${repository}/manifests/${reference}`,
    scopes: [pushScope(repository)],
    headers: { "content-type": manifest.mediaType },
    body: manifest.bytes,
    what,
  });
  await response.body?.cancel();
  mustBeStored(options, what, response);
  const digest = response.headers.get("docker-content-digest");
  if (digest !== null && digest !== manifest.digest) {
    throw registryError(options, "system-strange", what, `it stored the digest ${truncate(digest, 100)}`);
  }
}

async function readBlob(call: RegistryCall, repository: string, blob: Descriptor, maxBytes: number): Promise<Buffer> {
  if (blob.size > maxBytes) {
    const problem = `it has ${blob.size} bytes; at most ${maxBytes} are read`;
    throw registryError(call.options, "system-strange", `read blob ${blob.digest} of ${repository}`, problem);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of streamBlob(call, repository, blob)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* streamBlob(call: RegistryCall, repository: string, blob: Descriptor): AsyncGenerator<Uint8Array> {
  const { options, send } = call;
  const what = `read blob ${blob.digest} of ${repository}`;
  const response = await send({
    method: "GET",
    address: `v2/${repository}/blobs/${blob.digest}`,
    scopes: [pullScope(repository)],
    what,
  });
  const hash = createHash("sha256");
  let size = 0;
  const chunks = (response.body ?? new ReadableStream<Uint8Array>())[Symbol.asyncIterator]();
  for (;;) {
    const next = await chunks.next().catch((error: unknown) => {
      options.signal.throwIfAborted();
      throw registryError(options, "system-unavailable", what, `the connection broke after ${size} bytes (${error})`);
    });
    if (next.done) break;
    size += next.value.byteLength;
    if (size > blob.size) throw registryError(options, "system-strange", what, `more than ${blob.size} bytes came`);
    hash.update(next.value);
    yield next.value;
  }
  const digest = `sha256:${hash.digest("hex")}`;
  if (digest !== blob.digest)
    throw registryError(options, "system-strange", what, `the content has the digest ${digest}`, response.status);
}

async function listReferrers(
  { options, send }: RegistryCall,
  repository: string,
  digest: string,
  artifactType?: string,
): Promise<readonly Referrer[]> {
  const what = `read referrers of ${repository} ${digest}`;
  const filter = artifactType === undefined ? "" : `?artifactType=${encodeURIComponent(artifactType)}`;
  const fail = (problem: string): Error => registryError(options, "system-strange", what, problem, 200);
  const found: Referrer[] = [];
  let address: string | undefined = `v2/${repository}/referrers/${digest}${filter}`;
  for (let pages = 0; address !== undefined; pages++) {
    if (pages === MAX_PAGES) throw fail(`it has more than ${MAX_PAGES} pages`);
    const response: Response = await send({
      method: "GET",
      address,
      scopes: [pullScope(repository)],
      what,
      expect: [404],
    });
    const bytes = await readAnswer(options, what, response, MAX_MANIFEST);
    // Registries from before version 1.1 of the API know no referrers.
    if (response.status === 404 && pages === 0) return [];
    const parsed = referrersSchema.safeParse(parseJson(bytes));
    if (!parsed.success) throw fail("it is not an image index");
    found.push(...parsed.data.manifests);
    address = nextPage(new URL(address, `${options.url}/`), response);
  }
  return found.filter((one) => artifactType === undefined || one.artifactType === artifactType);
}

/** The address of the next page, which a registry names in `Link`. */
function nextPage(page: URL, { headers }: Response): string | undefined {
  const links = (headers.get("link") ?? "").matchAll(/<([^>]*)>\s*((?:;\s*[^,;]*)*)/g);
  const [, next] = [...links].find(([, , words]) => /;\s*rel\s*=\s*"?next\b/i.test(words ?? "")) ?? [];
  return next === undefined ? undefined : URL.parse(next, page)?.href;
}
