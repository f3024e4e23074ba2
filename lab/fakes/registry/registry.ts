// A registry that implements the OCI distribution API, strictly enough for unmodified clients. It keeps its promises by
// content: a blob is stored only under its own digest, a manifest only when everything it names is there.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type Koa from "koa";
import { Answer, type FakeServer, type FakeServerOptions, openState, serve } from "../fake-server.ts";
import { type Action, answerToken, checkAccess, errors, type RegistryAccess } from "./auth.ts";
import type { Call, RegistryRoutes } from "./call.ts";
import { deleteManifest, getManifest, listReferrers, listTags, putManifest, received } from "./manifests.ts";
import { isDigest, openRegistryStore, type RegistryStore } from "./store.ts";

export type RegistryOptions = FakeServerOptions & {
  /** Who may push; everybody may pull. Without it, pulling and pushing need no credentials. */
  readonly username?: string;
  readonly password?: string;
};

/** A plain registry, as other companies run it: anonymous pull, one account that pushes. */
export function startRegistry(options: RegistryOptions): Promise<FakeServer> {
  const { state, save } = openState(options, () => ({ key: randomBytes(32).toString("base64url") }));
  save();
  const { username, password } = options;
  const access: RegistryAccess = {
    service: options.name,
    key: state.key,
    login: (name, secret) => (name === username && secret === password ? name : undefined),
    allows: (account, _, action) => action === "pull" || username === undefined || account === username,
  };
  const store = openRegistryStore(join(options.dir, options.name, "registry"));
  return serve(options, (_, app) => void app.use(registryRoutes({ store, access })));
}

/** Answers everything below /v2 and the token service. Routes that are not its own go on to the next middleware. */
export function registryRoutes(registry: RegistryRoutes): Koa.Middleware {
  return async (ctx, next) => {
    if (ctx.path === "/service/token" && ctx.method === "GET") return answerToken(ctx, registry.access);
    if (!ctx.path.startsWith("/v2/")) return next();
    ctx.set("Docker-Distribution-Api-Version", "registry/2.0");
    if (ctx.path === "/v2/") {
      checkAccess(ctx, registry.access);
      ctx.body = {};
      return;
    }
    const route = ROUTES.find(({ pattern }) => pattern.test(ctx.path));
    const match = route?.pattern.exec(ctx.path);
    if (!route || !match) throw new Answer(404, errors("NOT_FOUND", "no such resource"));
    const [, repository = "", reference = ""] = match;
    if (!NAME.test(repository)) throw new Answer(400, errors("NAME_INVALID", "invalid repository name"));
    const handler = route.methods[ctx.method];
    if (!handler) throw new Answer(405, errors("UNSUPPORTED", "the operation is unsupported"));
    checkAccess(ctx, registry.access, repository, ACTIONS[ctx.method] ?? "push");
    await handler({ ctx, registry, store: registry.store, repository, reference });
  };
}

type Handler = (call: Call) => void | Promise<void>;

const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const ACTIONS: { readonly [method: string]: Action } = { GET: "pull", HEAD: "pull", DELETE: "delete" };

const ROUTES: readonly { pattern: RegExp; methods: { readonly [method: string]: Handler } }[] = [
  { pattern: /^\/v2\/(.+)\/blobs\/uploads\/$/, methods: { POST: startUpload } },
  {
    pattern: /^\/v2\/(.+)\/blobs\/uploads\/([0-9a-f-]{36})$/,
    methods: { GET: tellUpload, PATCH: appendUpload, PUT: finishUpload, DELETE: dropUpload },
  },
  { pattern: /^\/v2\/(.+)\/blobs\/([^/]+)$/, methods: { GET: getBlob, HEAD: getBlob } },
  {
    pattern: /^\/v2\/(.+)\/manifests\/([^/]+)$/,
    methods: { GET: getManifest, HEAD: getManifest, PUT: putManifest, DELETE: deleteManifest },
  },
  { pattern: /^\/v2\/(.+)\/tags\/list$/, methods: { GET: listTags } },
  { pattern: /^\/v2\/(.+)\/referrers\/([^/]+)$/, methods: { GET: listReferrers } },
];

async function startUpload({ ctx, registry, store, repository }: Call): Promise<void> {
  registry.beforePush?.(repository);
  const { mount, from, digest } = ctx.query;
  if (typeof mount === "string" && typeof from === "string" && isDigest(mount) && NAME.test(from)) {
    const size = store.blobSize(from, mount);
    if (size !== undefined && mayPull(ctx, registry.access, from)) {
      store.linkBlob(repository, mount);
      return blobCreated(ctx, repository, mount);
    }
  }
  const id = store.startUpload(repository);
  if (typeof digest === "string") return complete(ctx, store, repository, id, digest);
  await drain(ctx);
  uploadAccepted(ctx, repository, id, 0);
}

function tellUpload(call: Call): void {
  const size = uploadOf(call);
  uploadAccepted(call.ctx, call.repository, call.reference, size);
  call.ctx.status = 204;
}

async function appendUpload(call: Call): Promise<void> {
  const { ctx, store, repository, reference: id } = call;
  checkRange(ctx, uploadOf(call));
  await receive(ctx, store, id);
  uploadAccepted(ctx, repository, id, uploadOf(call));
}

async function finishUpload(call: Call): Promise<void> {
  const { ctx, store, repository, reference: id } = call;
  const { digest } = ctx.query;
  const size = uploadOf(call);
  if (typeof digest !== "string") throw new Answer(400, errors("DIGEST_INVALID", "the digest is missing"));
  if (ctx.get("content-range") !== "") checkRange(ctx, size);
  await complete(ctx, store, repository, id, digest);
}

async function dropUpload(call: Call): Promise<void> {
  uploadOf(call);
  call.store.dropUpload(call.reference);
  call.ctx.status = 204;
}

function getBlob({ ctx, store, repository, reference: digest }: Call): void {
  if (!isDigest(digest)) throw new Answer(400, errors("DIGEST_INVALID", "invalid digest"));
  const size = store.blobSize(repository, digest);
  if (size === undefined) throw new Answer(404, errors("BLOB_UNKNOWN", "blob unknown to registry", { digest }));
  ctx.set({ "Docker-Content-Digest": digest, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream" });
  const range = /^bytes=(\d+)-(\d*)$/.exec(ctx.get("range"));
  const start = Number(range?.[1] ?? 0);
  const end = Math.min(range?.[2] ? Number(range[2]) : size - 1, size - 1);
  if (range && (start >= size || end < start)) throw new Answer(416, errors("SIZE_INVALID", "range not satisfiable"));
  ctx.status = range ? 206 : 200;
  if (range) ctx.set("Content-Range", `bytes ${start}-${end}/${size}`);
  if (ctx.method === "HEAD") ctx.length = size;
  else {
    ctx.body = size === 0 ? Buffer.alloc(0) : store.streamBlob(digest, { start, end });
    ctx.length = size === 0 ? 0 : end - start + 1;
  }
}

function mayPull(ctx: Koa.Context, access: RegistryAccess, repository: string): boolean {
  try {
    checkAccess(ctx, access, repository, "pull");
    return true;
  } catch (error) {
    // Without the right to read the other repository, the mount quietly becomes an upload.
    if (!(error instanceof Answer)) throw error;
    ctx.remove("WWW-Authenticate");
    return false;
  }
}

function uploadOf({ store, repository, reference: id }: Call): number {
  const size = store.uploadSize(repository, id);
  if (size === undefined) throw new Answer(404, errors("BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry"));
  return size;
}

function checkRange(ctx: Koa.Context, size: number): void {
  const header = ctx.get("content-range");
  const range = /^(\d+)-(\d+)$/.exec(header);
  if (header === "" || (range && Number(range[1]) === size)) return;
  throw new Answer(416, errors("BLOB_UPLOAD_INVALID", `the upload is at byte ${size}, not at ${header}`));
}

async function complete(ctx: Koa.Context, store: RegistryStore, repository: string, id: string, digest: string) {
  if (!isDigest(digest)) throw new Answer(400, errors("DIGEST_INVALID", "invalid digest"));
  await receive(ctx, store, id);
  if (ctx.respond === false) return;
  if (!(await store.finishUpload(repository, id, digest))) {
    store.dropUpload(id);
    throw new Answer(400, errors("DIGEST_INVALID", "the content has another digest", { digest }));
  }
  blobCreated(ctx, repository, digest);
}

/** Stores the bytes that arrive. If the connection breaks, they stay, and no answer is sent. */
async function receive(ctx: Koa.Context, store: RegistryStore, id: string): Promise<void> {
  try {
    await store.appendUpload(id, received(ctx));
  } catch (error) {
    if (!ctx.req.socket.destroyed) throw error;
    ctx.respond = false;
  }
}

async function drain(ctx: Koa.Context): Promise<void> {
  for await (const _ of ctx.req) {
    // A body here means nothing; it only has to be read.
  }
}

function uploadAccepted(ctx: Koa.Context, repository: string, id: string, size: number): void {
  if (ctx.respond === false) return;
  ctx.status = 202;
  ctx.set({
    Location: `/v2/${repository}/blobs/uploads/${id}`,
    Range: `0-${Math.max(0, size - 1)}`,
    "Docker-Upload-Uuid": id,
  });
}

function blobCreated(ctx: Koa.Context, repository: string, digest: string): void {
  ctx.status = 201;
  ctx.set({ Location: `/v2/${repository}/blobs/${digest}`, "Docker-Content-Digest": digest });
}
