// The portal as a Koa app: common middleware, security headers, the declared routes, the files of the console.

import { createApp } from "@gantry/runtime/http/app.ts";
import { compress } from "@gantry/runtime/http/compress.ts";
import type Koa from "koa";
import type { Portal } from "../portal.ts";
import { requireOwnHost } from "./address.ts";
import type { Route } from "./route.ts";
import { makeRouter, refuseOtherMethods } from "./router.ts";
import { serveConsole } from "./static.ts";

export function makeApp(portal: Portal, routes: readonly Route[]): Koa {
  const app = createApp({ name: "portal-api", logger: portal.logger, onAnswered: portal.metrics.answered });
  app.use(securityHeaders(portal));
  app.use(compress());
  app.use(portal.audit.refusals);
  app.use(makeRouter(portal, routes).routes());
  app.use(refuseOtherMethods);
  app.use((ctx, next) => {
    requireOwnHost(portal, ctx);
    return next();
  });
  app.use(serveConsole(portal.config.console));
  return app;
}

/** No inline scripts, no other origins, no frames: text that an attacker gets into a page cannot run. */
const POLICY = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

function securityHeaders(portal: Portal): Koa.Middleware {
  return ({ res }, next) => {
    res.setHeader("Content-Security-Policy", POLICY);
    res.setHeader("X-Frame-Options", "DENY");
    res.setHeader("Referrer-Policy", "no-referrer");
    res.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    res.setHeader("Cross-Origin-Resource-Policy", "same-origin");
    if (portal.publicUrl().startsWith("https:")) res.setHeader("Strict-Transport-Security", "max-age=31536000");
    return next();
  };
}
