// Conditional requests (RFC 9110): ETag and If-None-Match.

import type Koa from "koa";

/** Sets the ETag. True when the client has this version already: the answer is then 304 and needs no body. */
export function notModified(ctx: Koa.Context, tag: string): boolean {
  const etag = `W/"${tag}"`;
  ctx.res.setHeader("ETag", etag);
  ctx.res.setHeader("Cache-Control", "private, no-cache");
  const seen = ctx.get("if-none-match");
  if (seen !== etag && !tagsIn(seen).some((one) => one === `"${tag}"` || one === "*")) return false;
  ctx.status = 304;
  return true;
}

/** The tags of an If-None-Match, which compares them weakly. */
function tagsIn(header: string): readonly string[] {
  return header.split(",").map((one) => one.trim().replace(/^W\//, ""));
}
