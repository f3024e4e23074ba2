// Shared by all fakes: a real HTTP server, state that survives a kill, a record of all exchanges (for the contract tests
// against the published API documents), and fault injection. A fake holds state and behaves like the real system; it never
// knows who is calling or which answer a test expects.
//
// Every fake also serves /_lab, for tests and scripts outside the process:
//   GET  /_lab/exchanges      list the exchanges   DELETE /_lab/exchanges   clear the list
//   POST /_lab/faults         add a Fault (JSON)   DELETE /_lab/faults      remove all faults

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createNetServer, type Server as NetServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import Router from "@koa/router";
import Koa from "koa";
import type { Certificate } from "./certificate.ts";

export const LOOPBACK = "127.0.0.1";

export type FakeServerOptions = {
  /** Name in this lab, e.g. `seoul-harbor`; also names its folder below `dir`. */
  readonly name: string;
  /** Folder of the lab's data. */
  readonly dir: string;
  /** The address of this machine that the fake listens on; default: loopback. */
  readonly host?: string;
  /** A fixed port, so that addresses stay valid after a restart; 0 or absent takes a free one. */
  readonly port?: number;
  /** Serves https with this certificate; plain http on the same port is answered 307, as by Argo CD. */
  readonly tls?: Certificate;
  /** What is answered to the first requests, while the system starts. */
  readonly starting?: readonly StartPhase[];
};

/** `refused`: the connection is closed without an answer, which every client treats as refused. */
export type StartPhase = { readonly requests: number; readonly answer: "refused" | number; readonly body?: unknown };

/** One request and its answer. Bodies are kept when they are JSON or form data below 256 KiB. */
export type Exchange = {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly requestType: string;
  readonly requestBody: unknown;
  readonly status: number;
  readonly responseType: string;
  readonly responseBody: unknown;
};

export type Fault = {
  /** `GET /api/v1/.*`: a regular expression over "METHOD path"; absent matches everything. */
  readonly match?: string;
  readonly times: number;
  /** Number of matching requests that pass before the fault applies. */
  readonly after?: number;
} & (
  | { readonly kind: "status"; readonly status: number; readonly body?: unknown }
  /** The connection is closed without an answer, and the request is not carried out. */
  | { readonly kind: "drop" }
  /** The request is carried out, and its answer is lost. */
  | { readonly kind: "drop-answer" }
  /** The connection is closed after this many bytes of the request body; the fake keeps them as the real system would. */
  | { readonly kind: "cut"; readonly bytes: number }
);

export type FakeServer = {
  readonly name: string;
  /** `http://host:port` */
  readonly url: string;
  readonly port: number;
  readonly exchanges: Exchange[];
  readonly faults: { add: (fault: Fault) => void; clear: () => void };
  readonly close: () => Promise<void>;
};

/** An error answer of the real system; throw it anywhere in a route. */
export class Answer extends Error {
  readonly status: number;
  readonly body: unknown;
  constructor(status: number, body: unknown) {
    super(`answer ${status}`);
    this.status = status;
    this.body = body;
  }
}

/** Starts a fake. `routes` adds the system's own routes; use `readJson` and `readBytes` to read bodies. */
export async function serve(
  options: FakeServerOptions,
  routes: (router: Router, app: Koa) => void,
): Promise<FakeServer> {
  const exchanges: Exchange[] = [];
  const faults = openFaults();
  const app = new Koa();
  app.silent = true;
  app.use(labRouter(exchanges, faults).routes());
  app.use(startUp(options.starting ?? []));
  app.use(faults.middleware);
  app.use(recorder(exchanges));
  app.on("error", (error: NodeJS.ErrnoException) => {
    // A client that disconnects during an answer is not an error of the fake.
    if (error.code === "ERR_STREAM_PREMATURE_CLOSE" || error.code === "ECONNRESET") return;
    process.stderr.write(`fake ${options.name}: ${error.stack ?? error}\n`);
  });
  const router = new Router();
  routes(router, app);
  app.use(router.routes());

  const { server, closeConnections } = openServer(app.callback(), options.tls);
  const host = options.host ?? LOOPBACK;
  await listen(server, host, options.port ?? 0);
  const port = (server.address() as AddressInfo).port;
  return {
    name: options.name,
    url: `${options.tls ? "https" : "http"}://${host}:${port}`,
    port,
    exchanges,
    faults: { add: faults.add, clear: faults.clear },
    close: () => closeServer(server, closeConnections),
  };
}

type Faults = FakeServer["faults"] & { readonly middleware: Koa.Middleware };

function openFaults(): Faults {
  let faults: (Fault & { left: number; skip: number })[] = [];
  const matching = (ctx: Koa.Context) =>
    faults.find((one) => one.left > 0 && (!one.match || new RegExp(one.match).test(`${ctx.method} ${ctx.path}`)));
  return {
    add: (fault) => void faults.push({ ...fault, left: fault.times, skip: fault.after ?? 0 }),
    clear: () => {
      faults = [];
    },
    middleware: async (ctx, next) => {
      const fault = matching(ctx);
      if (!fault) return next();
      if (fault.skip > 0) {
        fault.skip -= 1;
        return next();
      }
      fault.left -= 1;
      if (fault.kind === "status") {
        ctx.status = fault.status;
        ctx.body = fault.body ?? { message: "a fault of the lab" };
        return;
      }
      if (fault.kind === "cut") {
        ctx.state.cutAfterBytes = fault.bytes;
        return next();
      }
      ctx.state.answerLost = true;
      if (fault.kind === "drop-answer") await next();
      ctx.respond = false;
      ctx.req.socket.destroy();
    },
  };
}

/** Answers as a system that is starting, until each phase has answered its requests. */
function startUp(phases: readonly StartPhase[]): Koa.Middleware {
  const answers = phases.flatMap((phase) => Array<StartPhase>(phase.requests).fill(phase));
  return async (ctx, next) => {
    const phase = answers.shift();
    if (!phase) return next();
    if (phase.answer === "refused") {
      ctx.respond = false;
      ctx.req.socket.destroy();
    } else {
      ctx.status = phase.answer;
      ctx.body = phase.body ?? "";
    }
  };
}

function recorder(exchanges: Exchange[]): Koa.Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      if (!(error instanceof Answer)) throw error;
      ctx.status = error.status;
      ctx.body = error.body;
    }
    if (ctx.respond === false || ctx.state.answerLost === true) return;
    exchanges.push({
      method: ctx.method,
      path: ctx.path,
      query: { ...ctx.query },
      requestType: ctx.get("content-type"),
      requestBody: ctx.state.body,
      status: ctx.status,
      responseType: ctx.type,
      responseBody: isPlain(ctx.body) ? structuredClone(ctx.body) : undefined,
    });
    if (exchanges.length > 5_000) exchanges.splice(0, 1_000);
  };
}

function labRouter(exchanges: Exchange[], faults: Faults): Router {
  const lab = new Router({ prefix: "/_lab" });
  lab.get("/exchanges", (ctx) => {
    ctx.body = exchanges;
  });
  lab.delete("/exchanges", (ctx) => {
    exchanges.length = 0;
    ctx.status = 204;
  });
  lab.post("/faults", async (ctx) => {
    faults.add((await readJson(ctx)) as Fault);
    ctx.status = 204;
  });
  lab.delete("/faults", (ctx) => {
    faults.clear();
    ctx.status = 204;
  });
  return lab;
}

/** The JSON or form body of a request, which is also recorded. `{}` when there is none. */
export async function readJson(ctx: Koa.Context): Promise<unknown> {
  const text = (await readBytes(ctx)).toString("utf8");
  if (text === "") return {};
  const type = ctx.get("content-type");
  try {
    const body: unknown = type.includes("x-www-form-urlencoded")
      ? Object.fromEntries(new URLSearchParams(text))
      : JSON.parse(text);
    if (text.length < 262_144) ctx.state.body = body;
    return body;
  } catch {
    throw new Answer(400, { message: "the body is not JSON" });
  }
}

/** The address that the caller used: `http://127.0.0.1:4711`. (Koa's own `ctx.origin` is the header of that name.) */
export function originOf(ctx: Koa.Context): string {
  return `${ctx.protocol}://${ctx.host}`;
}

export async function readBytes(ctx: Koa.Context): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of ctx.req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** State of a fake as one JSON file, written through to disk by `save` so that it survives kill -9. */
export function openState<S>(
  options: FakeServerOptions,
  initial: () => S,
): { readonly state: S; readonly save: () => void } {
  const file = join(options.dir, options.name, "state.json");
  mkdirSync(dirname(file), { recursive: true });
  let state: S;
  try {
    state = JSON.parse(readFileSync(file, "utf8")) as S;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    state = initial();
  }
  return {
    state,
    save: () => {
      writeFileSync(`${file}.new`, JSON.stringify(state));
      renameSync(`${file}.new`, file);
    },
  };
}

function isPlain(body: unknown): boolean {
  return (
    body !== null &&
    typeof body === "object" &&
    (Array.isArray(body) || Object.getPrototypeOf(body) === Object.prototype)
  );
}

/** The first byte of a TLS connection. */
const HANDSHAKE = 0x16;

/** With a certificate, one port serves both: TLS, and plain http with a redirect to it. */
function openServer(
  handle: RequestListener,
  tls: Certificate | undefined,
): { readonly server: NetServer; readonly closeConnections: () => void } {
  if (tls === undefined) {
    const server: Server = createServer(handle);
    return { server, closeConnections: () => server.closeAllConnections() };
  }
  const secure = createTlsServer(tls, handle);
  const plain = createServer((request, response) => {
    response.writeHead(307, { location: `https://${request.headers.host ?? ""}${request.url ?? "/"}` }).end();
  });
  const sockets = new Set<Socket>();
  const server = createNetServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // A client that disconnects, or that does not trust the certificate, is not an error of the fake.
    socket.on("error", () => {});
    socket.once("readable", () => {
      const first: Buffer | null = socket.read();
      if (first === null) return;
      socket.unshift(first);
      (first[0] === HANDSHAKE ? secure : plain).emit("connection", socket);
    });
  });
  const closeConnections = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return { server, closeConnections };
}

function listen(server: NetServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Safe to call twice: a test that restarts a fake has already closed it. */
function closeServer(server: NetServer, closeConnections: () => void): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    closeConnections();
  });
}
