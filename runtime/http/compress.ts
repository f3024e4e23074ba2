// Compresses responses: the console's files and large JSON. Never streams of events, which must be sent at once, and never
// logs, whose ranges count the bytes as they are.

import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type Koa from "koa";

/** Below this, the headers cost as much as compression saves. */
const LEAST_BYTES = 1_024;
const COMPRESSIBLE = /^(application\/(problem\+)?json|text\/(javascript|css|html)|image\/svg\+xml)(;|$)/;

const toBrotli = promisify(brotliCompress);
const toGzip = promisify(gzip);
/** A quality that costs about as much time as gzip, in a thread of its own. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };

/** A Buffer that is sent again, such as a file of the console, is compressed once. */
const compressed = new WeakMap<Buffer, { br?: Promise<Buffer>; gzip?: Promise<Buffer> }>();

function compressOnce(body: string | Buffer, encoding: "br" | "gzip"): Promise<Buffer> {
  const run = (): Promise<Buffer> => (encoding === "br" ? toBrotli(body, BROTLI) : toGzip(body));
  if (typeof body === "string") return run();
  const known = compressed.get(body) ?? {};
  compressed.set(body, known);
  known[encoding] ??= run();
  return known[encoding];
}

/** Use it before the middlewares that make the responses. A compressed response has a weak ETag. */
export function compress(): Koa.Middleware {
  return async (ctx, next) => {
    await next();
    const { body } = ctx;
    if (ctx.method === "HEAD" || ctx.status !== 200 || ctx.res.hasHeader("content-encoding")) return;
    if (!(typeof body === "string" || Buffer.isBuffer(body)) || !COMPRESSIBLE.test(ctx.response.get("content-type")))
      return;
    if (Buffer.byteLength(body) < LEAST_BYTES) return;
    ctx.vary("Accept-Encoding");
    if (ctx.get("accept-encoding") === "") return;
    // Clients list gzip first and accept both alike; the smaller one is taken.
    const encoding = (["br", "gzip"] as const).find((one) => ctx.acceptsEncodings(one, "identity") === one);
    if (encoding === undefined) return;
    const bytes = await compressOnce(body, encoding);
    const tag = ctx.res.hasHeader("etag") ? ctx.response.get("etag") : "";
    if (tag !== "" && !tag.startsWith("W/")) ctx.set("ETag", `W/${tag}`);
    ctx.set("Content-Encoding", encoding);
    // Koa would forget the type of a body that replaces another one of a different kind.
    const type = ctx.response.get("content-type");
    ctx.body = bytes;
    ctx.set("Content-Type", type);
  };
}
