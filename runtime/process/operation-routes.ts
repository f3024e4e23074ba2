// The endpoints for operating a process: /livez, /readyz, /metrics.

import { GantryError } from "@gantry/core/errors.ts";
import Router from "@koa/router";
import type Koa from "koa";
import type { ProcessMetrics } from "./metrics.ts";

/**
 * Without authentication: probes and scrapers have no token. `check` rejects while the process cannot work; /readyz answers
 * the reason. `degraded` lists problems that the process tolerates for a while: it counts as ready.
 */
export function operationRoutes(
  { contentType, text }: Pick<ProcessMetrics, "contentType" | "text">,
  check: () => Promise<void>,
  degraded: () => readonly string[] = () => [],
): Koa.Middleware {
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
    ctx.type = contentType;
    ctx.body = await text();
  });
  return router.routes() as Koa.Middleware;
}
