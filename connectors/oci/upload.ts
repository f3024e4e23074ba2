// Brings one blob into a repository: mounted where possible, small ones in one piece, large ones in chunks that continue
// after a dropped connection from the byte that the registry says it has.

import { open } from "node:fs/promises";
import { GantryError } from "@gantry/core/errors.ts";
import { pullScope, pushScope, type RegistryCall, type RegistryRequest, registryError } from "./transport.ts";

/** Bytes that can be read again from any place, for as often as the network asks. */
export type BlobSource = {
  readonly digest: string;
  readonly size: number;
  readonly read: (start: number, end: number) => Promise<Uint8Array>;
};

export function blobOfBytes(digest: string, bytes: Uint8Array): BlobSource {
  return { digest, size: bytes.byteLength, read: async (start, end) => bytes.subarray(start, end) };
}

export function blobOfFile(digest: string, size: number, file: string): BlobSource {
  return {
    digest,
    size,
    read: async (start, end) => {
      await using handle = await open(file, "r");
      const buffer = Buffer.alloc(end - start);
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
      if (bytesRead !== buffer.length) throw new Error(`${file} is shorter than it was`);
      return buffer;
    },
  };
}

/** Large enough to be quick, small enough to be held in memory and to be sent again. */
const CHUNK_BYTES = 8 * 1024 * 1024;
/** The upload fails after this many failures in a row without a new byte at the registry. */
const MAX_STALLS = 4;

type Upload = {
  readonly call: RegistryCall;
  readonly repository: string;
  readonly blob: BlobSource;
  readonly chunkBytes: number;
  readonly scopes: readonly string[];
  readonly what: string;
};

export async function uploadBlob(
  call: RegistryCall,
  repository: string,
  blob: BlobSource,
  from?: string,
): Promise<"mounted" | "uploaded"> {
  const upload: Upload = {
    call,
    repository,
    blob,
    chunkBytes: call.options.chunkBytes ?? CHUNK_BYTES,
    scopes: [pushScope(repository)],
    what: `push ${blob.size} bytes (${blob.digest.slice(0, 19)}) to ${repository}`,
  };
  const mounted = from === undefined ? undefined : await tryMount(upload, from);
  if (mounted === "mounted") return mounted;
  await transfer(upload, mounted ?? (await begin(upload)));
  return "uploaded";
}

/** The address of a new upload. */
async function begin(upload: Upload): Promise<string> {
  return locationOf(upload, await send(upload, { method: "POST", address: `v2/${upload.repository}/blobs/uploads/` }));
}

/**
 * `mounted` when the registry could take the blob from the other repository, the address of an upload when it begins one
 * instead, undefined when it refuses. A mount only saves an upload, so no refusal is an error: the account may lack the
 * right to read the other repository, and a proxy may not know mounts at all. A registry that is down says so again when
 * the upload begins.
 */
async function tryMount(upload: Upload, from: string): Promise<string | undefined> {
  const query = `mount=${encodeURIComponent(upload.blob.digest)}&from=${encodeURIComponent(from)}`;
  const mount = { ...upload, scopes: [...upload.scopes, pullScope(from)] };
  try {
    const response = await send(mount, { method: "POST", address: `v2/${upload.repository}/blobs/uploads/?${query}` });
    if (response.status !== 201) return locationOf(mount, response);
    const named = response.headers.get("docker-content-digest");
    const isMounted = named === null ? await isThere(upload) : named === upload.blob.digest;
    return isMounted ? "mounted" : undefined;
  } catch (error) {
    if (error instanceof GantryError) return undefined;
    throw error;
  }
}

async function transfer(upload: Upload, first: string): Promise<void> {
  const { blob } = upload;
  let at: Place = { location: first, offset: 0 };
  for (let stalls = 0; ; ) {
    try {
      while (blob.size - at.offset > upload.chunkBytes) {
        at = await sendChunk(upload, at);
        stalls = 0;
      }
      return await finish(upload, at);
    } catch (error) {
      if (!isInterruption(error) || ++stalls > MAX_STALLS) throw error;
      const found = await resumePoint(upload, at);
      if (found === "there") return;
      if (found.offset > at.offset) stalls = 0;
      at = found;
    }
  }
}

type Place = { readonly location: string; readonly offset: number };

async function sendChunk(upload: Upload, { location, offset }: Place): Promise<Place> {
  const body = await upload.blob.read(offset, offset + upload.chunkBytes);
  const response = await send(upload, {
    method: "PATCH",
    address: location,
    headers: {
      "content-type": "application/octet-stream",
      "content-range": `${offset}-${offset + body.byteLength - 1}`,
    },
    body,
    once: true,
  });
  return { location: locationOf(upload, response), offset: offset + body.byteLength };
}

/** The last piece, or the only one, goes with the request that closes the upload. */
async function finish(upload: Upload, { location, offset }: Place): Promise<void> {
  const { blob } = upload;
  const body = await blob.read(offset, blob.size);
  const range: Record<string, string> =
    offset === 0 || body.byteLength === 0 ? {} : { "content-range": `${offset}-${blob.size - 1}` };
  // What the registry has written into the address stays as it is.
  const address = `${location}${location.includes("?") ? "&" : "?"}digest=${encodeURIComponent(blob.digest)}`;
  const response = await send(upload, {
    method: "PUT",
    address,
    headers: { "content-type": "application/octet-stream", ...range },
    body,
    once: true,
  });
  mustBeStored(upload.call.options, upload.what, response);
}

/** Throws for an answer to a PUT that a proxy gave, and no registry: 201, or at least the header that every registry sends. */
export function mustBeStored(options: RegistryCall["options"], what: string, { status, headers }: Response): void {
  if (status === 201 || headers.has("docker-content-digest")) return;
  throw registryError(options, "system-strange", what, `status ${status} where a registry answers 201`, status);
}

/** Whether this answer to a HEAD shows that the registry has the blob. When in doubt, the blob is sent again. */
export function isBlob({ status, headers }: Response, digest: string): boolean {
  if (status !== 200) return false;
  const named = headers.get("docker-content-digest");
  return named === null ? /octet-stream/.test(headers.get("content-type") ?? "") : named === digest;
}

/** Finds out, after an interruption, whether the blob is complete, the upload can continue, or it must start again. */
async function resumePoint(upload: Upload, at: Place): Promise<Place | "there"> {
  const { blob } = upload;
  if (await isThere(upload)) return "there";
  const progress = await send(upload, { method: "GET", address: at.location, expect: [404, 405, 416] });
  const range = /^(?:bytes=)?0-(\d+)$/.exec(progress.headers.get("range") ?? "");
  // `0-0` means nothing as well as one byte; in both cases a new upload is right.
  if (progress.status === 204 && range?.[1] !== undefined && range[1] !== "0") {
    const offset = Number(range[1]) + 1;
    if (offset <= blob.size) return { location: locationOf(upload, progress), offset };
  }
  return { location: await begin(upload), offset: 0 };
}

async function isThere(upload: Upload): Promise<boolean> {
  const { repository, blob } = upload;
  const answer = await send(upload, {
    method: "HEAD",
    address: `v2/${repository}/blobs/${blob.digest}`,
    expect: [404],
  });
  return isBlob(answer, blob.digest);
}

function isInterruption(error: unknown): boolean {
  return error instanceof GantryError && error.code === "system-unavailable";
}

async function send(
  { call, scopes, what }: Upload,
  request: Pick<RegistryRequest, "method" | "address" | "headers" | "body" | "expect" | "once">,
): Promise<Response> {
  const response = await call.send({ ...request, scopes, what });
  await response.body?.cancel();
  return response;
}

/** A location may be relative; it must be used as it is, with its query. */
function locationOf({ call, what }: Upload, response: Response): string {
  const location = URL.parse(response.headers.get("location") ?? "", `${call.options.url}/`);
  if (location && response.headers.has("location")) return location.href;
  throw registryError(
    call.options,
    "system-strange",
    what,
    "the answer to the upload has no Location",
    response.status,
  );
}
