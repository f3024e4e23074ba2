// Refuses requests before routing that two servers on their way could interpret differently (request smuggling).

import type { IncomingMessage } from "node:http";
import { GantryError } from "@gantry/core/errors.ts";
import type Koa from "koa";
import { hostNameIn } from "./host.ts";

/** Throws `bad-request` for ambiguous headers, for an invalid Host, and for paths that no route can have. */
export function validateRequest(ctx: Koa.Context): void {
  const twice = givenTwice(ctx.req);
  if (twice) throw new GantryError("bad-request", { problem: `the header ${twice} is given twice` });
  if (hostNameIn(ctx.get("host")) === undefined)
    throw new GantryError("bad-request", { problem: "the header host is missing or invalid" });
  // Node.js takes other codings before `chunked`, and leaves the body as it is.
  const coding = ctx.get("transfer-encoding");
  if (coding !== "" && coding.trim().toLowerCase() !== "chunked")
    throw new GantryError("bad-request", { problem: "the header transfer-encoding is not chunked" });
  if (!ctx.req.url?.startsWith("/")) throw new GantryError("bad-request", { problem: "the address is not a path" });
  let path: string;
  try {
    path = decodeURIComponent(ctx.path);
  } catch {
    throw new GantryError("bad-request", { problem: "the address is not valid UTF-8" });
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are refused here.
  if (/[\u0000-\u001f\u007f]/.test(path)) {
    throw new GantryError("bad-request", { problem: "the address has control characters" });
  }
}

const ONLY_ONCE: ReadonlySet<string> = new Set([
  "host",
  "authorization",
  "content-length",
  "transfer-encoding",
  "content-type",
]);

function givenTwice({ headers, rawHeaders: raw }: IncomingMessage): string | undefined {
  // `raw` alternates names and values as received. As many distinct names as names: none is repeated.
  if (Object.keys(headers).length * 2 === raw.length) return undefined;
  const seen = new Set<string>();
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]?.toLowerCase() ?? "";
    if (!ONLY_ONCE.has(name)) continue;
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}
