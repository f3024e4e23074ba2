// Shared by all fakes: a real HTTP server, state that survives a kill, a record of all exchanges (for the contract tests
// against the published API documents), and fault injection. A fake holds state and behaves like the real system; it never
// knows who is calling or which answer a test expects.
//
// Every fake also serves /_lab, for tests and scripts outside the process:
//   GET  /_lab/exchanges      list the exchanges   DELETE /_lab/exchanges   clear the list
//   POST /_lab/faults         add a Fault (JSON)   DELETE /_lab/faults      remove all faults

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import Router from "@koa/router";
import Koa from "koa";

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
};

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
  let faults: (Fault & { left: number; skip: number })[] = [];
  const add = (fault: Fault): void => void faults.push({ ...fault, left: fault.times, skip: fault.after ?? 0 });
  const clear = (): void => {
    faults = [];
  };

  const app = new Koa();
  app.silent = true;
  const lab = new Router({ prefix: "/_lab" });
  lab.get("/exchanges", (ctx) => {
    ctx.body = exchanges;
  });
  lab.delete("/exchanges", (ctx) => {
    exchanges.length = 0;
    ctx.status = 204;
  });
  lab.post("/faults", async (ctx) => {
    add((await readJson(ctx)) as Fault);
    ctx.status = 204;
  });
  lab.delete("/faults", (ctx) => {
    clear();
    ctx.status = 204;
  });
  app.use(lab.routes());

  app.use(async (ctx, next) => {
    const fault = faults.find(
      (one) => one.left > 0 && (!one.match || new RegExp(one.match).test(`${ctx.method} ${ctx.path}`)),
    );
    if (fault && fault.skip > 0) fault.skip -= 1;
    else if (fault) {
      fault.left -= 1;
      if (fault.kind === "status") {
        ctx.status = fault.status;
        ctx.body = fault.body ?? { message: "a fault of the lab" };
        return;
      }
      if (fault.kind === "cut") {
        ctx.state.cutAfterBytes = fault.bytes;
      } else {
        if (fault.kind === "drop-answer") await next();
        ctx.respond = false;
        ctx.req.socket.destroy();
        return;
      }
    }
    try {
      await next();
    } catch (error) {
      if (!(error instanceof Answer)) throw error;
      ctx.status = error.status;
      ctx.body = error.body;
    }
    if (ctx.respond === false) return;
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
  });
  app.on("error", (error: NodeJS.ErrnoException) => {
    // A client that disconnects during an answer is not an error of the fake.
    if (error.code === "ERR_STREAM_PREMATURE_CLOSE" || error.code === "ECONNRESET") return;
    process.stderr.write(`fake ${options.name}: ${error.stack ?? error}\n`);
  });

  const router = new Router();
  routes(router, app);
  app.use(router.routes());

  const server = createServer(app.callback());
  const host = options.host ?? LOOPBACK;
  await listen(server, host, options.port ?? 0);
  const port = (server.address() as AddressInfo).port;
  return {
    name: options.name,
    url: `http://${host}:${port}`,
    port,
    exchanges,
    faults: { add, clear },
    close: () => closeServer(server),
  };
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

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Safe to call twice: a test that restarts a fake has already closed it. */
function closeServer(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}
