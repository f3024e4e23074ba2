// Reads body and query of a request, limited in size and validated by a schema.

import { isUtf8 } from "node:buffer";
import { GantryError } from "@gantry/core/errors.ts";
import { truncate } from "@gantry/core/truncate.ts";
import type Koa from "koa";
import type { z } from "zod";
import { MAX_JSON_DEPTH, parseJsonText } from "./json-text.ts";
import { parse } from "./problem.ts";

const DISCARD_BYTES = 8 * 1_048_576;
const BYTE_ORDER_MARK = "\ufeff";

/**
 * The JSON body of a request, validated by a schema; a request without a body counts as `{}`. `limit` is in bytes (default
 * 1 MiB), `depth` in levels (default 64). Throws `body-too-large`, `media-type` or `bad-request` with pointers.
 */
export async function readJson<T>(
  ctx: Koa.Context,
  schema: z.core.$ZodType<T>,
  options: { readonly limit?: number; readonly depth?: number } = {},
): Promise<T> {
  const bytes = await readBytes(ctx, options.limit ?? 1_048_576);
  if (bytes.length === 0) return parse(schema, {});
  if (ctx.get("content-type") !== "application/json" && !ctx.is("application/json", "+json")) {
    throw new GantryError("media-type", { problem: "its Content-Type is not application/json" });
  }
  return parse(schema, parseJsonText(decodeUtf8(ctx, bytes), options.depth ?? MAX_JSON_DEPTH));
}

/** The fields of an HTML form, validated by a schema. Throws as `readJson` does; of a repeated field the last one counts. */
export async function readForm<T>(ctx: Koa.Context, schema: z.core.$ZodType<T>, limit: number): Promise<T> {
  if (!ctx.is("application/x-www-form-urlencoded")) {
    throw new GantryError("media-type", { problem: "the Content-Type must be application/x-www-form-urlencoded" });
  }
  const text = decodeUtf8(ctx, await readBytes(ctx, limit));
  return parse(schema, Object.fromEntries(new URLSearchParams(text)));
}

/** The raw body of a request, at most `limit` bytes. Throws `body-too-large`, or `media-type` for a compressed body. */
export async function readBytes(ctx: Koa.Context, limit: number): Promise<Buffer> {
  if (ctx.get("content-encoding") !== "") throw new GantryError("media-type", { problem: "it is compressed" });
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    const tooLarge = (): void => {
      ctx.set("Connection", "close");
      reject(new GantryError("body-too-large", { limit }));
    };
    ctx.req.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      // Excess bytes are discarded for a while: a client that is still sending would not read the answer.
      else if (size > limit + DISCARD_BYTES) tooLarge();
    });
    ctx.req.on("end", () => {
      const [only] = chunks;
      if (size > limit) tooLarge();
      else resolve(only && chunks.length === 1 ? only : Buffer.concat(chunks));
    });
    ctx.req.on("error", () => reject(new GantryError("request-timeout")));
    ctx.req.on("aborted", () => reject(new GantryError("request-timeout")));
  });
}

/** The query of a request, validated by a schema. Throws `bad-request`, also for a repeated name. */
export function readQuery<T>(ctx: Koa.Context, schema: z.core.$ZodType<T>): T {
  if (ctx.querystring === "") return parse(schema, {}, "/query");
  const query: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(ctx.querystring)) {
    const problem = name in query ? "is given twice" : value.isWellFormed() ? undefined : "is not valid Unicode";
    if (problem) throw new GantryError("bad-request", { problem: `${truncate(name, 100)} ${problem} in the query` });
    query[name] = value;
  }
  return parse(schema, { ...query }, "/query");
}

/** The text of a body. Its Content-Type may name no other encoding: a server on its way may read it as that. */
function decodeUtf8(ctx: Koa.Context, bytes: Buffer): string {
  const named = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(ctx.get("content-type"))?.[1];
  if (named !== undefined && named.toLowerCase() !== "utf-8")
    throw new GantryError("media-type", { problem: "its Content-Type names another charset than utf-8" });
  if (!isUtf8(bytes)) throw new GantryError("media-type", { problem: "it is not valid UTF-8" });
  const text = bytes.toString("utf8");
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}
