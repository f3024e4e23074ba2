// The endpoints for operating a process: /livez, /readyz, /metrics.

import { GantryError } from "@gantry/core/errors.ts";
import Router from "@koa/router";
import type Koa from "koa";
import { bearerOf, bySecret } from "../http/bearer.ts";
import { refuseRebound } from "../http/host.ts";
import { isLoopback } from "../http/plain-http.ts";
import type { ProcessMetrics } from "./metrics.ts";

export type Operation = {
  readonly metrics: Pick<ProcessMetrics, "contentType" | "text">;
  /** Rejects while the process cannot work; /readyz answers the reason. */
  readonly check: () => Promise<void>;
  /** Problems that the process tolerates for a while: it counts as ready. */
  readonly degraded?: () => readonly string[];
  /** With it, /metrics needs this token. */
  readonly metricsToken?: string | undefined;
};

/**
 * Without authentication: probes have no token, and scrapers only where the configuration says so. On a loopback address,
 * /metrics without a token is not for pages of other sites (`host-unknown`).
 */
export function operationRoutes({ metrics, check, degraded = () => [], metricsToken }: Operation): Koa.Middleware {
  const isScraper = metricsToken === undefined ? undefined : bySecret([[metricsToken, true]]);
  const router = new Router();
  router.get("/livez", (ctx) => {
    ctx.body = { status: "ok" };
  });
  router.get("/readyz", async (ctx) => {
    await check().catch((cause: unknown) => {
      const known = cause instanceof GantryError && cause.code === "unavailable" ? cause.details.problem : undefined;
      const problem = known ?? "It cannot be written.";
      throw new GantryError("unavailable", { what: "The journal", problem }, { cause });
    });
    const problems = degraded();
    ctx.body = problems.length === 0 ? { status: "ok" } : { status: "degraded", problems };
  });
  router.get("/metrics", async (ctx) => {
    if (isScraper && !isScraper(bearerOf(ctx))) throw new GantryError("unauthenticated");
    // On other addresses, scrapers call by names that nothing here knows.
    if (!isScraper && isLoopback(ctx.req.socket.localAddress ?? "")) refuseRebound(ctx, [], "`metricsToken`");
    ctx.type = metrics.contentType;
    ctx.body = await metrics.text();
  });
  return router.routes() as Koa.Middleware;
}
