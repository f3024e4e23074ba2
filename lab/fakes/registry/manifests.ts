// The manifests of the fake registry: taken only when everything they name is there, found by tag and digest, listed
// by what they belong to.

import type Koa from "koa";
import { Answer } from "../fake-server.ts";
import { errors } from "./auth.ts";
import type { Call } from "./call.ts";
import { isDigest, type RegistryStore, sha256 } from "./store.ts";

const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const MAX_MANIFEST = 4 * 1024 * 1024;
const INDEX_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];
const MANIFEST_TYPES = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  ...INDEX_TYPES,
];

/** The body of a request, up to where a fault cuts it. */
export async function* received(ctx: Koa.Context): AsyncGenerator<Buffer> {
  let left = (ctx.state.cutAfterBytes as number | undefined) ?? Number.POSITIVE_INFINITY;
  for await (const chunk of ctx.req as AsyncIterable<Buffer>) {
    yield chunk.subarray(0, Math.min(left, chunk.length));
    left -= chunk.length;
    if (left > 0) continue;
    ctx.req.socket.destroy();
    throw new Error("the connection was cut");
  }
}

export function getManifest({ ctx, store, repository, reference }: Call): void {
  const manifest = store.getManifest(repository, reference);
  // Real registries hide a manifest from a client that does not list its type in Accept; `*/*` does not count.
  if (!manifest || !ctx.get("accept").includes(manifest.mediaType)) {
    const code = store.repositoryExists(repository) ? "MANIFEST_UNKNOWN" : "NAME_UNKNOWN";
    throw new Answer(404, errors(code, manifest ? "the Accept header does not list its type" : "manifest unknown"));
  }
  ctx.set({ "Docker-Content-Digest": manifest.digest, Etag: `"${manifest.digest}"` });
  ctx.status = 200;
  ctx.body = manifest.bytes;
  ctx.set("Content-Type", manifest.mediaType);
}

export async function putManifest({ ctx, registry, store, repository, reference }: Call): Promise<void> {
  const byDigest = isDigest(reference);
  if (!byDigest && !TAG.test(reference)) throw new Answer(400, errors("MANIFEST_INVALID", "invalid tag"));
  const chunks: Buffer[] = [];
  for await (const chunk of received(ctx)) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (bytes.length > MAX_MANIFEST) throw new Answer(413, errors("SIZE_INVALID", "the manifest is too large"));
  const mediaType = ctx.get("content-type").split(";")[0]?.trim() ?? "";
  const manifest = checkManifest(store, repository, mediaType, bytes);
  registry.beforePush?.(repository);
  if (byDigest && sha256(bytes) !== reference) {
    throw new Answer(400, errors("DIGEST_INVALID", "the content has another digest"));
  }
  const digest = store.putManifest(repository, mediaType, bytes);
  if (!byDigest) store.setTag(repository, reference, digest);
  registry.onPushed?.({ repository, digest, tag: byDigest ? undefined : reference, mediaType });
  ctx.status = 201;
  ctx.set({ Location: `/v2/${repository}/manifests/${digest}`, "Docker-Content-Digest": digest });
  if (manifest.subject?.digest) ctx.set("OCI-Subject", manifest.subject.digest);
}

export function deleteManifest({ ctx, store, repository, reference }: Call): void {
  if (!store.getManifest(repository, reference)) throw new Answer(404, errors("MANIFEST_UNKNOWN", "manifest unknown"));
  if (isDigest(reference)) store.deleteManifest(repository, reference);
  else store.deleteTag(repository, reference);
  ctx.status = 202;
}

export function listTags({ ctx, store, repository }: Call): void {
  if (!store.repositoryExists(repository)) throw new Answer(404, errors("NAME_UNKNOWN", "repository name not known"));
  const { n, last } = ctx.query;
  const all = store.tags(repository).map(({ tag }) => tag);
  const rest = typeof last === "string" ? all.filter((tag) => tag > last) : all;
  const limit = typeof n === "string" && /^\d+$/.test(n) ? Number(n) : rest.length;
  const tags = rest.slice(0, limit);
  const lastTag = tags.at(-1);
  if (tags.length < rest.length && lastTag !== undefined) {
    ctx.set("Link", `</v2/${repository}/tags/list?n=${limit}&last=${encodeURIComponent(lastTag)}>; rel="next"`);
  }
  ctx.body = { name: repository, tags };
}

export function listReferrers({ ctx, store, repository, reference }: Call): void {
  if (!isDigest(reference)) throw new Answer(400, errors("DIGEST_INVALID", "invalid digest"));
  const wanted = ctx.query.artifactType;
  const manifests = store
    .manifests(repository)
    .flatMap((digest) => {
      const stored = store.getManifest(repository, digest);
      if (!stored) return [];
      const manifest = JSON.parse(stored.bytes.toString("utf8")) as Manifest;
      if (manifest.subject?.digest !== reference) return [];
      const artifactType = manifest.artifactType ?? manifest.config?.mediaType;
      const { annotations } = manifest;
      return [{ mediaType: stored.mediaType, digest, size: stored.bytes.length, artifactType, annotations }];
    })
    .filter((one) => typeof wanted !== "string" || one.artifactType === wanted);
  if (typeof wanted === "string") ctx.set("OCI-Filters-Applied", "artifactType");
  ctx.body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPES[0], manifests }));
  ctx.set("Content-Type", INDEX_TYPES[0] ?? "");
}

type Part = { readonly digest?: string; readonly mediaType?: string; readonly size?: number };
type Manifest = {
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly config?: Part;
  readonly layers?: readonly Part[];
  readonly manifests?: readonly Part[];
  readonly subject?: Part;
};

function checkManifest(store: RegistryStore, repository: string, mediaType: string, bytes: Buffer): Manifest {
  if (!MANIFEST_TYPES.includes(mediaType)) throw new Answer(400, errors("MANIFEST_INVALID", `type ${mediaType}`));
  let manifest: Manifest;
  try {
    manifest = JSON.parse(bytes.toString("utf8")) as Manifest;
  } catch {
    throw new Answer(400, errors("MANIFEST_INVALID", "the manifest is not JSON"));
  }
  if (manifest.mediaType !== undefined && manifest.mediaType !== mediaType) {
    throw new Answer(400, errors("MANIFEST_INVALID", "mediaType and Content-Type differ"));
  }
  for (const { digest = "" } of manifest.manifests ?? []) {
    if (!isDigest(digest) || !store.getManifest(repository, digest)) {
      throw new Answer(404, errors("MANIFEST_UNKNOWN", "a manifest of the index is unknown", { digest }));
    }
  }
  const blobs = manifest.manifests ? [] : [manifest.config ?? {}, ...(manifest.layers ?? [])];
  for (const { digest = "", size } of blobs) {
    const stored = isDigest(digest) ? store.blobSize(repository, digest) : undefined;
    if (stored === undefined) throw new Answer(404, errors("MANIFEST_BLOB_UNKNOWN", "blob unknown", { digest }));
    if (stored !== size) throw new Answer(400, errors("MANIFEST_INVALID", "a descriptor has another size", { digest }));
  }
  return manifest;
}
