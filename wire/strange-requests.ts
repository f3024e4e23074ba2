// What is refused before any route sees it: requests that two servers on their way could read differently.

import { GantryError } from "@gantry/core/errors.ts";
import type Koa from "koa";

/** Requests that proxies and servers read differently, and paths that no route could mean. */
export async function refuseStrange(ctx: Koa.Context, next: Koa.Next): Promise<void> {
  const names = ctx.req.rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  const twice = ["host", "authorization", "content-length", "transfer-encoding", "content-type"].find(
    (name) => names.indexOf(name) !== names.lastIndexOf(name),
  );
  if (twice) throw new GantryError("bad-request", { problem: `the header ${twice} is given twice` });
  if (!/^[\w.:[\]-]+$/.test(ctx.get("host")))
    throw new GantryError("bad-request", { problem: "the header host is missing or strange" });
  if (!ctx.req.url?.startsWith("/")) throw new GantryError("bad-request", { problem: "the address is not a path" });
  let path: string;
  try {
    path = decodeURIComponent(ctx.path);
  } catch {
    throw new GantryError("bad-request", { problem: "the address is not valid UTF-8" });
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused here.
  if (/[\u0000-\u001f\u007f]/.test(path)) {
    throw new GantryError("bad-request", { problem: "the address has control characters" });
  }
  await next();
}
