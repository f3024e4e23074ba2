// The end of every sign-in: the session cookie, and the way to the page that was wanted.

import type Koa from "koa";
import { setSessionCookie } from "../access/cookie.ts";
import { safeNext } from "../access/decide-access.ts";
import type { Portal } from "../portal.ts";
import { isSecure } from "./address.ts";

export function startSession(portal: Portal, ctx: Koa.Context, secret: string, target: string | undefined): void {
  setSessionCookie(ctx, secret, { hours: portal.config.sessionHours, secure: isSecure(portal, ctx) });
  ctx.set("Cache-Control", "no-store");
  ctx.redirect(safeNext(target));
  ctx.status = 303;
}
