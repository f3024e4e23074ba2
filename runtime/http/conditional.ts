// Conditional requests (RFC 9110): ETag and If-None-Match.

import type Koa from "koa";

/** Sets the ETag. True when the client already has this version: the status is then 304, and no body is needed. */
export function notModified(ctx: Koa.Context, tag: string): boolean {
  const etag = `W/"${tag}"`;
  ctx.res.setHeader("ETag", etag);
  ctx.res.setHeader("Cache-Control", "private, no-cache");
  const seen = ctx.get("if-none-match");
  if (seen !== etag && !tagsIn(seen).some((one) => one === `"${tag}"` || one === "*")) return false;
  ctx.status = 304;
  return true;
}

/** The tags of an If-None-Match header, without their weakness prefix: the header compares weakly. */
function tagsIn(header: string): readonly string[] {
  return header.split(",").map((one) => one.trim().replace(/^W\//, ""));
}
