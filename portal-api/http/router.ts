// Registers the declared routes. Every request is identified, authorised and checked against cross-site forgery before its
// route runs.

import { needInWords } from "@gantry/core/access/decide-right.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { bearerOf } from "@gantry/runtime/http/bearer.ts";
import { throwIfClientLeft } from "@gantry/runtime/http/client-gone.ts";
import Router from "@koa/router";
import type Koa from "koa";
import { sessionCookieOf } from "../access/cookie.ts";
import { type Caller, isFromOwnPage, refusal } from "../access/decide-access.ts";
import { announce } from "../audit/audit.ts";
import { networkOf } from "../people/throttle.ts";
import type { Portal } from "../portal.ts";
import { clientAddress, isSecure, requireOwnHost } from "./address.ts";
import type { Route } from "./route.ts";

export function makeRouter(portal: Portal, routes: readonly Route[]): Router {
  const router = new Router();
  for (const one of routes) {
    router.register(one.path.replace(/\{(\w+)\}/g, ":$1"), [one.method], async (ctx) => {
      ctx.state.route = one.path;
      const caller = await identify(portal, ctx);
      if (caller) ctx.state.actor = caller.name;
      announce(ctx, one, caller);
      if (!caller) portal.limits.countStranger(networkOf(clientAddress(portal, ctx)));
      // A page of another site has no token, and what other systems send is signed.
      if (caller?.via !== "token" && !one.isProbed && !one.isCalledFromOutside) requireOwnHost(portal, ctx);
      const allowed = authorise(portal, ctx, one, caller);
      if (!allowed) {
        ctx.redirect(`/sign-in?next=${encodeURIComponent(ctx.url)}`);
        return;
      }
      await withinLimits(portal, ctx, one, caller);
    });
  }
  return router;
}

/** Runs the route, or throws `limit-reached`. Requests without a caller are counted by their address. */
async function withinLimits(portal: Portal, ctx: Koa.Context, one: Route, caller: Caller | undefined): Promise<void> {
  const run = (): Promise<void> => one.run({ ctx, params: ctx.params, portal, caller });
  if (!caller) return run();
  const { limits, turns } = portal;
  limits.countRequest(caller.name);
  if (one.right === "signed-in" && one.method !== "GET") limits.countOwnChange(caller.name);
  const end = limits.openRequest(caller.name);
  try {
    if (one.method !== "GET" || one.waits) return await run();
    await turns(caller.name, () => {
      throwIfClientLeft(ctx);
      return run();
    });
  } finally {
    end();
  }
}

/** Responds with 405 and the allowed methods when the path exists for other methods only. */
export async function refuseOtherMethods(ctx: Koa.Context, next: Koa.Next): Promise<void> {
  const layers: unknown = ctx.matched;
  const methods = Array.isArray(layers)
    ? layers.flatMap((layer: { methods: string[] }) => layer.methods).filter((method) => method !== "HEAD")
    : [];
  if (methods.length > 0) {
    const allowed = [...new Set(methods)].join(", ");
    ctx.set("Allow", allowed);
    throw new GantryError("method-not-allowed", { method: ctx.method.slice(0, 20), allowed });
  }
  await next();
}

/** When there is an Authorization header, the cookie is ignored: a request with a wrong token is not authenticated. */
async function identify(portal: Portal, ctx: Koa.Context): Promise<Caller | undefined> {
  if (ctx.get("authorization") !== "") {
    const token = bearerOf(ctx);
    return token === undefined ? undefined : portal.tokens.identify(token);
  }
  const secret = sessionCookieOf(ctx, isSecure(portal, ctx));
  return secret === undefined ? undefined : portal.sessions.identify(secret);
}

/** False when a browser should be sent to the sign-in page. Throws `unauthenticated` or `forbidden`. */
function authorise(portal: Portal, ctx: Koa.Context, one: Route, caller: Caller | undefined): boolean {
  if (one.right !== "anyone" && !caller) {
    if (one.page && ctx.accepts("json", "html") === "html") return false;
    throw new GantryError("unauthenticated");
  }
  if (caller) refuseHopeless(portal, one, caller);
  const writes = one.method !== "GET" && !one.isCalledFromOutside;
  if (writes && caller?.via !== "token" && !isFromOwnPage(sourceOf(portal, ctx))) {
    throw new GantryError("forbidden", { who: "A page of another site", verb: one.verb });
  }
  return true;
}

/**
 * Refuses a verb that the caller has nowhere, before the body is read. If the caller may not see everything, the guard of
 * the route decides instead, so that the answer does not reveal what exists.
 */
function refuseHopeless({ rights }: Portal, { right, verb }: Route, caller: Caller): void {
  if (typeof right === "string" || right.on === "list" || right.on === "others" || right.on === "pipeline") return;
  const { decide, mayAnywhere, mayEverywhere } = rights.of(caller);
  const isAboutSites = right.on === "site" || right.on === "runner";
  const seesAll = right.on === "installation" || mayEverywhere(isAboutSites ? "view-sites" : "view");
  // The verb of a start depends on the body.
  if (!seesAll || right.on === "start" || mayAnywhere(right.verb)) return;
  const decision = decide({ verb: right.verb });
  throw refusal(caller, verb, { why: decision.reason, todo: needInWords(decision, "") });
}

function sourceOf(portal: Portal, ctx: Koa.Context): Parameters<typeof isFromOwnPage>[0] {
  return {
    secFetchSite: ctx.get("sec-fetch-site"),
    origin: ctx.get("origin"),
    ownOrigins: [portal.publicUrl(), `${isSecure(portal, ctx) ? "https" : "http"}://${ctx.get("host")}`],
  };
}
