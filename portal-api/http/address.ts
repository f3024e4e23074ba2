// The addresses at both ends of a request: the portal's address that the browser uses, and the address of the client.

import { refuseRebound } from "@gantry/runtime/http/host.ts";
import type Koa from "koa";
import type { Opening } from "../access/sessions.ts";
import type { Portal } from "../portal.ts";

type Addresses = Pick<Portal, "config" | "publicUrl">;

/**
 * The address of the portal that this request came to, without a trailing slash. The Host header only selects one of the
 * configured addresses; any other host means the first one.
 */
export function addressOf(portal: Addresses, ctx: Koa.Context): string {
  const host = ctx.get("host");
  return portal.config.publicUrls.find((url) => new URL(url).host === host) ?? portal.publicUrl();
}

/**
 * Throws `host-unknown` when a page of another site may have sent the request, by DNS rebinding. It has no session here, but could
 * try passwords from inside a company.
 */
export function requireOwnHost(portal: Addresses, ctx: Koa.Context): void {
  const own = [portal.publicUrl(), ...portal.config.publicUrls].map((url) => new URL(url).hostname);
  refuseRebound(ctx, own, "`publicUrl` and `publicUrls` of portal-api; a proxy must preserve the Host header");
}

export function isSecure(portal: Addresses, ctx: Koa.Context): boolean {
  return addressOf(portal, ctx).startsWith("https:");
}

/**
 * The address of the client. Each trusted proxy has appended the address that it saw to X-Forwarded-For. Values that the
 * client itself sent are further left and are not read.
 */
export function clientAddress({ config }: Pick<Portal, "config">, ctx: Koa.Context): string {
  const own = ctx.req.socket.remoteAddress ?? "unknown";
  if (config.trustedProxies === 0) return own;
  const hops = ctx
    .get("x-forwarded-for")
    .split(",")
    .map((hop) => hop.trim());
  return (hops.at(-config.trustedProxies) || own).slice(0, 64);
}

/** What a session records about how it was opened. */
export function openingOf(portal: Portal, ctx: Koa.Context, signIn: Opening["signIn"]): Opening {
  return { signIn, address: clientAddress(portal, ctx), userAgent: ctx.get("user-agent").slice(0, 200) };
}
