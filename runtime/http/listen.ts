// Serving an app on a port, and closing without cutting answers short.

import { randomUUID } from "node:crypto";
import { createServer, type Server, type ServerOptions, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { type ErrorCode, GantryError } from "@gantry/core/errors.ts";
import type Koa from "koa";
import type { Clock } from "../clock.ts";
import type { Logger } from "../process/logger.ts";
import { stopWaiting } from "./client-gone.ts";
import { PROBLEM_TYPE, problemOf } from "./problem.ts";
import { readServerTls, reloadServerTls, type ServerTls } from "./server-tls.ts";

export type Listening = { readonly url: string; readonly port: number; readonly close: () => Promise<void> };

export type ListenAt = {
  readonly host: string;
  readonly port: number;
  readonly tls?: ServerTls | undefined;
  /** With it, changed certificates are taken without a restart. */
  readonly logger?: Logger;
  readonly clock?: Clock;
};

const GRACE_MS = 2_000;

/**
 * Serves the app, with `tls` by HTTPS only; port 0 takes a free port. Headers must arrive within 10 s and the whole request within 60 s; answers have
 * no limit. `close` accepts no new connections and gives open answers 2 s before it cuts them. Each of these answers also
 * closes its connection, so that clients with keep-alive reconnect elsewhere at once.
 */
export async function listen(app: Koa, at: ListenAt): Promise<Listening> {
  const { server, newest, stopReloading } = makeServer(app, at);
  server.on("clientError", answerClientError);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.port, at.host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  // A second signal closes again.
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    stopReloading();
    closed ??= closeServer(server, newest);
    return closed;
  };
  const { port } = server.address() as AddressInfo;
  const host = at.host === "0.0.0.0" || at.host === "::" ? "127.0.0.1" : at.host;
  return {
    url: `${at.tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    close,
  };
}

const OPTIONS: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16_384,
  // validateRequest refuses a missing Host header in the same way as an invalid one.
  requireHostHeader: false,
  noDelay: true,
};

type MadeServer = { readonly server: Server; readonly newest: Newest; readonly stopReloading: () => void };

function makeServer(app: Koa, { tls, logger, clock }: ListenAt): MadeServer {
  if (!tls) {
    const plain = createServer(OPTIONS, app.callback());
    return { server: plain, newest: keepNewest(plain), stopReloading: () => {} };
  }
  const context = readServerTls(tls);
  // Without a certificate a caller is still answered: the routes decide who needs one.
  const asks = tls.clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: false };
  const server = createTlsServer({ ...OPTIONS, ...context, ...asks, handshakeTimeout: 10_000 }, app.callback());
  const newest = keepNewest(server);
  const onNewAuthority = (): void => endConnections(server, newest);
  const stopReloading = logger
    ? reloadServerTls(server, tls, context, { logger, onNewAuthority, ...(clock ? { clock } : {}) })
    : () => {};
  return { server, newest, stopReloading };
}

/** A request that Node could not parse never reaches the app; its answer has the same shape as other errors. */
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

/** Connection → its latest answer; undefined before the first request. */
type Newest = ReadonlyMap<Socket, ServerResponse | undefined>;

/** Of an HTTPS server the sockets inside of TLS, which its requests have, and until then those outside. */
const CONNECTED = ["connection", "secureConnection"] as const;

function keepNewest(server: Server): Newest {
  const newest = new Map<Socket, ServerResponse | undefined>();
  for (const event of CONNECTED) {
    server.on(event, (socket: Socket) => {
      newest.set(socket, undefined);
      socket.once("close", () => newest.delete(socket));
    });
  }
  server.on("request", ({ socket }, response) => newest.set(socket, response));
  return newest;
}

/** Ends idle connections now. The handlers of open answers stop waiting, and each answer is the last one of its connection. */
function endIdle(server: Server, newest: Newest): void {
  server.closeIdleConnections();
  for (const [socket, response] of newest) {
    if (response?.writableEnded) continue;
    if (response) endAfter(response);
    // Opened in advance, e.g. by a load balancer: Node does not count it as idle, but no request is waiting on it.
    else if (socket.bytesRead === 0) socket.destroy();
  }
}

function endAfter(response: ServerResponse): void {
  response.shouldKeepAlive = false;
  stopWaiting(response);
}

/** Ends all connections that are open now; open answers have 2 s. Callers connect again. */
function endConnections(server: Server, newest: Newest): void {
  endIdle(server, newest);
  const open = [...newest.keys()];
  setTimeout(() => {
    for (const socket of open) socket.destroy();
  }, GRACE_MS).unref();
}

async function closeServer(server: Server, newest: Newest): Promise<void> {
  const closed = new Promise<void>((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())));
  endIdle(server, newest);
  server.prependListener("request", (_request, response) => endAfter(response));
  const cut = setTimeout(() => {
    server.closeAllConnections();
    // Those that are still agreeing on TLS are not known to the server.
    for (const socket of newest.keys()) socket.destroy();
  }, GRACE_MS);
  try {
    await closed;
  } finally {
    clearTimeout(cut);
  }
}
