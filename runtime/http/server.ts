// What the HTTP servers of all processes share: an app that answers every error as problem+json (one sink), request ids,
// one access line per request, bodies with limits, bearer tokens, ETags, and a listener with time limits.

import { isUtf8 } from "node:buffer";
import { hash, randomUUID, timingSafeEqual } from "node:crypto";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type ErrorCode, GantryError } from "@gantry/core/errors.ts";
import Koa from "koa";
import type { z } from "zod";
import { MAX_JSON_DEPTH, parseJsonText } from "./json-text.ts";
import { PROBLEM_TYPE, parse, problemOf } from "./problem.ts";
import { validateRequest } from "./request-validation.ts";

/** As pino has it. Fields never hold secrets: no bodies, no headers, no addresses with a query. */
export type Logger = {
  readonly debug: LogLine;
  readonly info: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
  /** What is written; absent where it cannot be changed. */
  level?: string;
};
type LogLine = (fields: object, message: string) => void;

/** What is known of a request when its answer has ended. `route` is the template, never the address itself. */
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

export type Listening = { readonly url: string; readonly port: number; readonly close: () => Promise<void> };

/** An app whose first layers are request id with access line, and `errorSink`. */
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
 * Refuses strange requests, and is the one place where errors become answers. An expected failure (GantryError) answers its own status; anything else
 * answers 500 `internal` without its text, which goes to the log with the request id. An address that nobody answered
 * is 404.
 */
export function errorSink(logger: Logger): Koa.Middleware {
  return async (ctx, next) => {
    try {
      validateRequest(ctx);
      await next();
      if (ctx.status === 404 && ctx.body === undefined && ctx.respond !== false) {
        throw new GantryError("not-found", { kind: "address", name: ctx.path.slice(0, 200) });
      }
    } catch (error) {
      // Whoever asked has left: what was waiting for them ends with an abort, and nobody reads an answer.
      if (ctx.res.destroyed && !(error instanceof GantryError)) {
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

/** Writes an error as the answer of this request. */
export function answerProblem(ctx: Koa.Context, error: unknown): void {
  const problem = problemOf(error, requestIdOf(ctx));
  ctx.status = problem.status;
  ctx.body = JSON.stringify(problem);
  ctx.type = PROBLEM_TYPE;
  ctx.set("Cache-Control", "no-store");
  if (problem.status === 401) ctx.set("WWW-Authenticate", 'Bearer realm="gantry"');
  if (problem.status === 503) ctx.set("Retry-After", "2");
  // Behind a balancer its other connections may lead to another process, which knows the new session.
  if (problem.code === "session-gone") ctx.set("Connection", "close");
}

export function requestIdOf(ctx: Koa.Context): string {
  const id: unknown = ctx.state.requestId;
  return typeof id === "string" ? id : "";
}

/**
 * The JSON body of a request, checked by its schema. Without a body the schema sees `{}`. `limit` in bytes (1 MiB), depth
 * in levels (64). Throws `body-too-large`, `media-type` or `bad-request` with pointers.
 */
export async function readJson<T>(
  ctx: Koa.Context,
  schema: z.ZodType<T>,
  options: { readonly limit?: number; readonly depth?: number } = {},
): Promise<T> {
  const bytes = await readBytes(ctx, options.limit ?? 1_048_576);
  if (bytes.length === 0) return parse(schema, {});
  if (ctx.get("content-type") !== "application/json" && !ctx.is("application/json", "+json")) {
    throw new GantryError("media-type", { problem: "its Content-Type is not application/json" });
  }
  return parse(schema, parseJsonText(decodeUtf8(bytes), options.depth ?? MAX_JSON_DEPTH));
}

/** The raw body of a request, at most `limit` bytes; throws `body-too-large` or, when it is compressed, `media-type`. */
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
      // What is too much is thrown away for a while: a client that still sends would not see the answer otherwise.
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

/** The query of a request, checked by its schema; a name that comes twice is refused. */
export function readQuery<T>(ctx: Koa.Context, schema: z.ZodType<T>): T {
  if (ctx.querystring === "") return parse(schema, {}, "/query");
  const query: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(ctx.querystring)) {
    const problem = name in query ? "is given twice" : value.isWellFormed() ? undefined : "is not valid Unicode";
    if (problem) throw new GantryError("bad-request", { problem: `${name.slice(0, 100)} ${problem} in the query` });
    query[name] = value;
  }
  return parse(schema, { ...query }, "/query");
}

/** The token of `Authorization: Bearer …`. */
export function bearerOf(ctx: Koa.Context): string | undefined {
  return /^Bearer ([\w.~+/=-]{1,4096})$/i.exec(ctx.get("authorization"))?.[1];
}

/** Lets only requests with one of these tokens pass; others are 401. */
export function requireBearer(tokens: readonly string[]): Koa.Middleware {
  const known = bySecret(tokens.map((token) => [token, true]));
  return async (ctx, next) => {
    if (!known(bearerOf(ctx))) throw new GantryError("unauthenticated");
    await next();
  };
}

/**
 * What belongs to a secret, or undefined. Every secret is compared by its digest, in a time that does not depend on where
 * the texts differ, on their lengths, or on which one was close.
 */
export function bySecret<T>(entries: readonly (readonly [string, T])[]): (given: string | undefined) => T | undefined {
  const known = entries.map(([secret, value]) => ({ digest: digestOf(secret), value }));
  // Only what was right is kept: as many as there are entries. A wrong one finds nothing here, whatever it looks like.
  const right = new Map<string, T>();
  return (given) => {
    if (given === undefined) return undefined;
    const met = right.get(given);
    if (met !== undefined) return met;
    const digest = digestOf(given);
    const found = known.filter((one) => timingSafeEqual(one.digest, digest))[0]?.value;
    if (found !== undefined) right.set(given, found);
    return found;
  };
}

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

/**
 * Aborted when the connection closes, before or after the answer was sent: whoever waited has left; and when the server
 * closes: whoever waits is to be answered with what there is. One per request.
 */
export function goneSignal(ctx: Koa.Context): AbortSignal {
  const known: unknown = ctx.state.gone;
  if (known instanceof AbortSignal) return known;
  const gone = new AbortController();
  ctx.state.gone = gone.signal;
  ctx.res.once("close", () => gone.abort(LEFT));
  ctx.res.once(CLOSING, () => gone.abort(LEFT));
  if (ENDING.has(ctx.res)) gone.abort(LEFT);
  return gone.signal;
}

/**
 * Serves the app. Port 0 takes a free one. Headers must arrive in 10 s and the whole request in 60 s; an answer may take
 * as long as it likes. `close` takes no new connections, lets running answers go on for 2 s, then cuts them; each of them
 * ends its connection, so that a client that keeps connections goes elsewhere at once.
 */
export async function listen(app: Koa, at: { readonly host: string; readonly port: number }): Promise<Listening> {
  const server = createServer(
    {
      headersTimeout: 10_000,
      requestTimeout: 60_000,
      keepAliveTimeout: 75_000,
      connectionsCheckingInterval: 2_000,
      maxHeaderSize: 16_384,
      // A missing Host is refused like a strange one, in the same words.
      requireHostHeader: false,
      noDelay: true,
    },
    app.callback(),
  );
  server.on("clientError", answerClientError);
  const newest = keepNewest(server);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.port, at.host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  // Two signals close everything twice.
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= closeServer(server, newest);
    return closed;
  };
  const { port } = server.address() as AddressInfo;
  const host = at.host === "0.0.0.0" || at.host === "::" ? "127.0.0.1" : at.host;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    close,
  };
}

/** Emitted by the answers that are still open when their server closes. */
const CLOSING = "gantry-closing";
/** Those that it was emitted by: who begins to wait afterwards is to be answered, too. */
const ENDING = new WeakSet<ServerResponse>();
const DISCARD_BYTES = 8 * 1_048_576;
/** Made once: every request ends with it, and an error of its own costs more than the rest of the request. */
const LEFT = new DOMException("The caller has left.", "AbortError");
const BYTE_ORDER_MARK = "\ufeff";
const GRACE_MS = 2_000;

function accessLine({ name, logger, onAnswered }: AppOptions): Koa.Middleware {
  return (ctx, next) => {
    const started = performance.now();
    const given = ctx.get("x-request-id");
    const requestId = /^[\w.:-]{1,100}$/.test(given) ? given : randomUUID();
    ctx.state.requestId = requestId;
    const { req, res, state } = ctx;
    res.setHeader("X-Request-Id", requestId);
    res.setHeader("X-Content-Type-Options", "nosniff");
    res.on("close", () => {
      const ms = Math.round((performance.now() - started) * 10) / 10;
      const route = text(state.route) ?? text(ctx._matchedRoute) ?? "unknown";
      const { method = "" } = req;
      const status = res.statusCode;
      const line = { process: name, request_id: requestId, actor: text(state.actor), method, route, status, ms };
      logger[status >= 500 ? "warn" : "info"](line, "request");
      onAnswered?.(line);
    });
    return next();
  };
}

/** The tags of an If-None-Match, which compares them weakly. */
function tagsIn(header: string): readonly string[] {
  return header.split(",").map((one) => one.trim().replace(/^W\//, ""));
}

function decodeUtf8(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new GantryError("media-type", { problem: "it is not valid UTF-8" });
  const text = bytes.toString("utf8");
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}

function digestOf(secret: string): Buffer {
  return hash("sha256", secret, "buffer");
}

/** What Node refused before it was a request: no app sees it, but the answer has the same shape. */
function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const code: ErrorCode =
    error.code === "HPE_HEADER_OVERFLOW"
      ? "headers-too-large"
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? "request-timeout"
        : "bad-request";
  const problem = problemOf(new GantryError(code, { problem: "it is not valid HTTP" }), randomUUID());
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${code}\r\nContent-Type: ${PROBLEM_TYPE}\r\nConnection: close\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** The newest answer of every connection; undefined before the first request. */
type Newest = ReadonlyMap<Socket, ServerResponse | undefined>;

function keepNewest(server: Server): Newest {
  const newest = new Map<Socket, ServerResponse | undefined>();
  server.on("connection", (socket: Socket) => {
    newest.set(socket, undefined);
    socket.once("close", () => newest.delete(socket));
  });
  server.on("request", ({ socket }, response) => newest.set(socket, response));
  return newest;
}

async function closeServer(server: Server, newest: Newest): Promise<void> {
  const closed = new Promise<void>((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())));
  server.closeIdleConnections();
  const end = (response: ServerResponse): void => {
    response.shouldKeepAlive = false;
    ENDING.add(response);
    response.emit(CLOSING);
  };
  for (const [socket, response] of newest) {
    if (response?.writableEnded) continue;
    if (response) end(response);
    // Opened in advance, by a balancer for example: for Node it is not idle, but nobody waits for an answer there.
    else if (socket.bytesRead === 0) socket.destroy();
  }
  server.prependListener("request", (_request, response) => end(response));
  const cut = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  try {
    await closed;
  } finally {
    clearTimeout(cut);
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
