// The app of every process: request id, access log, and the one place where errors become answers.

import { randomUUID } from "node:crypto";
import { GantryError } from "@gantry/core/errors.ts";
import { truncate } from "@gantry/core/truncate.ts";
import Koa from "koa";
import type { Logger } from "../process/logger.ts";
import { PROBLEM_TYPE, problemOf } from "./problem.ts";
import { validateRequest } from "./request-validation.ts";

/** A request whose answer has ended. `route` is the template of the path, never the path itself. */
export type Answered = {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly ms: number;
};

export type AppOptions = {
  /** Name of the process, for its log lines. */
  readonly name: string;
  readonly logger: Logger;
  /** For metrics. */
  readonly onAnswered?: (answered: Answered) => void;
};

/** An app whose first middlewares write the request id and the access log line, and turn errors into answers. */
export function createApp(options: AppOptions): Koa {
  const app = new Koa();
  app.silent = true;
  app.on("error", (error: Error & { code?: string }) =>
    options.logger.debug({ process: options.name, err: error }, "the answer could not be sent completely"),
  );
  app.use(accessLine(options));
  app.use(errorSink(options.logger));
  return app;
}

/**
 * Validates requests, and is the one place where errors become answers. A GantryError is answered with its own status;
 * any other error with 500 `internal`, and its text goes to the log only, with the request id. A request that no
 * middleware answered is 404.
 */
export function errorSink(logger: Logger): Koa.Middleware {
  return async (ctx, next) => {
    try {
      validateRequest(ctx);
      await next();
      if (ctx.status === 404 && ctx.body === undefined && ctx.respond !== false) {
        throw new GantryError("not-found", { kind: "address", name: truncate(ctx.path, 200) });
      }
    } catch (error) {
      // The client has left, and what waited on its behalf was aborted: no answer is sent.
      if ((ctx.res.destroyed || ctx.req.socket.destroyed) && !(error instanceof GantryError)) {
        logger.debug({ request_id: requestIdOf(ctx), err: error }, "the client left before its answer");
        return;
      }
      if (!(error instanceof GantryError)) {
        logger.error({ request_id: requestIdOf(ctx), err: error }, "a request failed unexpectedly");
      }
      if (ctx.headerSent) {
        ctx.res.destroy();
        return;
      }
      answerProblem(ctx, error);
    }
  };
}

/** Most limits count what happens in a minute. */
const RETRY_LIMIT_S = 60;

/** Writes an error as the answer of this request. */
export function answerProblem(ctx: Koa.Context, error: unknown): void {
  const problem = problemOf(error, requestIdOf(ctx));
  ctx.status = problem.status;
  ctx.body = JSON.stringify(problem);
  ctx.type = PROBLEM_TYPE;
  ctx.set("Cache-Control", "no-store");
  if (problem.status === 401) ctx.set("WWW-Authenticate", 'Bearer realm="gantry"');
  if (problem.status === 503) ctx.set("Retry-After", "2");
  if (problem.status === 429) ctx.set("Retry-After", String(problem.details?.retryAfterS ?? RETRY_LIMIT_S));
  // Behind a load balancer a new connection may reach the process that has the new session.
  if (problem.code === "session-gone") ctx.set("Connection", "close");
}

export function requestIdOf(ctx: Koa.Context): string {
  const id: unknown = ctx.state.requestId;
  return typeof id === "string" ? id : "";
}

function accessLine({ name, logger, onAnswered }: AppOptions): Koa.Middleware {
  return (ctx, next) => {
    const started = performance.now();
    const given = ctx.get("x-request-id");
    const requestId = /^[\w.:-]{1,100}$/.test(given) ? given : randomUUID();
    ctx.state.requestId = requestId;
    const { req, res, state } = ctx;
    const { socket } = req;
    const bytesBefore = socket.bytesWritten;
    res.setHeader("X-Request-Id", requestId);
    res.setHeader("X-Content-Type-Options", "nosniff");
    res.on("close", () => {
      const ms = Math.round((performance.now() - started) * 10) / 10;
      const route = text(state.route) ?? text(ctx._matchedRoute) ?? "unknown";
      const { method = "" } = req;
      const status = res.statusCode;
      // Of the whole answer, with its headers. A connection answers one request after the other.
      const bytes = socket.bytesWritten - bytesBefore;
      const about = { actor: text(state.actor), task: taskOf(ctx, route) };
      const line = { process: name, request_id: requestId, ...about, method, route, status, ms, bytes };
      logger[status >= 500 ? "warn" : "info"](line, "request");
      onAnswered?.(line);
    });
    return next();
  };
}

/** The task that a request is about: from the route, or from its path. */
function taskOf(ctx: Koa.Context, route: string): string | undefined {
  const params = ctx.params as { readonly [name: string]: string } | undefined;
  const given = text(ctx.state.task) ?? (/\/tasks\/[:{]id\b/.test(route) ? text(params?.id) : undefined);
  return given === undefined ? undefined : truncate(given, 100);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
