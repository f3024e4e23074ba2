// The files of the console. They contain no data, so they need no sign-in: a browser does not send the session cookie when
// a person follows a link from a message, and the page must open anyway. Its calls to /v1 are authenticated.

import { readFile, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { notModified } from "@gantry/runtime/http/conditional.ts";
import type Koa from "koa";
import { notBuiltPage } from "../pages/not-built-page.ts";
import { sendPage } from "../pages/page.ts";

const TYPES: { readonly [extension: string]: string } = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".json": "application/json",
  ".woff2": "font/woff2",
  ".map": "application/json",
  ".txt": "text/plain; charset=utf-8",
};
/** `app-3F5KQ2ZA.js`: the name contains a hash of the content. */
const HASHED = /-[A-Z0-9]{8}\.\w+$/;
const SAFE = /^(?:\/[\w-][\w.-]*)+$/;
const NOT_CONSOLE = /^\/(?:v1|livez|readyz|metrics|version|openapi\.json|docs|sign-in|sign-out)(?:\/|$)/;

/** Serves the files below `folder`. A path without the extension of a file that a browser opens as a page gets index.html. */
export function serveConsole(folder: string): Koa.Middleware {
  // Files of the folder only, so it does not grow. The same Buffer is not compressed again.
  const kept = new Map<string, { readonly tag: string; readonly bytes: Buffer }>();
  const read = async (file: string, tag: string): Promise<Buffer> => {
    const known = kept.get(file);
    if (known?.tag === tag) return known.bytes;
    const bytes = await readFile(join(folder, file));
    kept.set(file, { tag, bytes });
    return bytes;
  };
  return async (ctx, next) => {
    if ((ctx.method !== "GET" && ctx.method !== "HEAD") || NOT_CONSOLE.test(ctx.path)) return next();
    // Names of pipelines may have dots: `/pipelines/orders.ci` is a page.
    const isFile = Object.hasOwn(TYPES, extname(ctx.path));
    const isPage = !isFile && ctx.accepts("json", "html") === "html";
    if (!isPage && !SAFE.test(ctx.path)) return next();
    ctx.state.route = isPage ? "console page" : "console file";
    const file = isPage ? "index.html" : ctx.path.slice(1);
    const found = await stat(join(folder, file)).catch(ifMissing);
    if (!found?.isFile()) {
      if (!isPage) return next();
      sendPage(ctx, notBuiltPage(), 503);
      return;
    }
    const tag = `${found.mtimeMs.toString(36)}-${found.size.toString(36)}`;
    const isUnchanged = notModified(ctx, tag);
    ctx.set("Cache-Control", HASHED.test(file) ? "public, max-age=31536000, immutable" : "no-cache");
    if (isUnchanged) return;
    ctx.type = TYPES[extname(file)] ?? "application/octet-stream";
    ctx.body = await read(file, tag);
  };
}

/** Is there a console to serve? Rejects when the folder cannot be read. */
export async function isConsoleBuilt(folder: string): Promise<boolean> {
  return (await stat(join(folder, "index.html")).catch(ifMissing))?.isFile() === true;
}

function ifMissing(error: unknown): undefined {
  const code = (error as NodeJS.ErrnoException).code;
  if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "ENAMETOOLONG") throw error;
}
