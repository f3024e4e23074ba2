// HTTPS between our processes: certificates that change while connections are open, private authorities, client
// certificates, and plain HTTP that leaves the machine.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { connect, TLSSocket } from "node:tls";
import { GantryError } from "@gantry/core/errors.ts";
import type { Logger } from "../process/logger.ts";
import { SteppedClock } from "../stepped-clock.fixture.ts";
import { createApp } from "./app.ts";
import { makeCertificates, makeWeakCertificate } from "./certificates.fixture.ts";
import { clientGoneSignal } from "./client-gone.ts";
import { fetchWithTls } from "./client-tls.ts";
import { type Listening, listen } from "./listen.ts";
import { checkPlainHttp, isLoopback } from "./plain-http.ts";
import { readServerTls, reloadServerTls, serverTlsConfig } from "./server-tls.ts";

const folder = mkdtempSync(join(tmpdir(), "gantry-tls-"));
after(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);

makeCertificates(folder, ["first", "second", "runner"]);

type Line = { readonly level: string; readonly fields: object; readonly message: string };
function recording(): { readonly logger: Logger; readonly lines: Line[] } {
  const lines: Line[] = [];
  const log = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message });
  return { lines, logger: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") } };
}

const TLS = { cert: path("server.crt"), key: path("server.key"), minVersion: "TLSv1.2" as const };

function use(name: string): void {
  copyFileSync(path(`${name}.crt`), TLS.cert);
  copyFileSync(path(`${name}.key`), TLS.key);
}

async function serve(
  t: { after: (run: () => Promise<void>) => void },
  more: { clientCa?: string } = {},
): Promise<Listening> {
  const { logger } = recording();
  const app = createApp({ name: "test", logger });
  app.use((ctx) => {
    const { socket } = ctx.req;
    ctx.body = socket instanceof TLSSocket && socket.authorized ? "known" : "unknown";
  });
  const server = await listen(app, { host: "127.0.0.1", port: 0, tls: { ...TLS, ...more }, logger });
  t.after(() => server.close());
  return server;
}

test("a server with tls is reached by https with its authority, and not by plain http or without the authority", async (t) => {
  use("first");
  const server = await serve(t);
  assert.match(server.url, /^https:\/\/127\.0\.0\.1:\d+$/);
  const trusting = await fetchWithTls({ ca: path("ca.crt") }, "/agent");
  assert.equal(await (await trusting(server.url)).text(), "unknown");
  await assert.rejects(fetch(server.url), /fetch failed/);
  await assert.rejects(trusting(server.url.replace("https", "http")), /fetch failed/);
  const old = connect({
    port: server.port,
    host: "127.0.0.1",
    ca: undefined,
    rejectUnauthorized: false,
    minVersion: "TLSv1",
    maxVersion: "TLSv1.1",
  });
  await assert.rejects(new Promise((resolve, reject) => old.once("secureConnect", resolve).once("error", reject)));
});

test("a client certificate of the authority is known, and none is not", async (t) => {
  use("first");
  const server = await serve(t, { clientCa: path("ca.crt") });
  const ca = path("ca.crt");
  const known = await fetchWithTls({ ca, cert: path("runner.crt"), key: path("runner.key") }, "/agentTls");
  assert.equal(await (await known(server.url)).text(), "known");
  assert.equal(await (await (await fetchWithTls({ ca }, "/agentTls"))(server.url)).text(), "unknown");
});

test("a changed certificate is taken without cutting connections; a wrong one is refused with a reason", async (t) => {
  use("first");
  const { logger, lines } = recording();
  const clock = new SteppedClock();
  const { createServer } = await import("node:https");
  const tls = serverTlsConfig.parse({ cert: TLS.cert, key: TLS.key });
  const context = readServerTls(tls);
  let open: (() => void) | undefined;
  const server = createServer(context, (_request, response) => {
    response.write("a");
    open = () => response.end("b");
  });
  t.after(() => void server.close());
  const stop = reloadServerTls(server, tls, context, { logger, clock });
  t.after(stop);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const nameNow = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().subject.CN);
        socket.destroy();
      });
      socket.once("error", reject);
    });
  const answer = new Promise<string>((resolve, reject) => {
    const call = request({ port, host: "127.0.0.1", rejectUnauthorized: false }, (response) => {
      let text = "";
      response.on("data", (chunk) => {
        text += String(chunk);
      });
      response.on("end", () => resolve(text));
    });
    call.on("error", reject);
    call.end();
  });
  assert.equal(await nameNow(), "first");
  copyFileSync(path("second.crt"), TLS.cert);
  await clock.pass(10_000);
  assert.equal(await nameNow(), "first", "the key does not fit yet");
  assert.match(
    JSON.stringify(lines.filter(({ level }) => level === "error")),
    /not the key of cert.*|the old one stays/,
  );
  copyFileSync(path("second.key"), TLS.key);
  await clock.pass(10_000);
  assert.equal(await nameNow(), "second");
  while (!open) await new Promise((resolve) => setImmediate(resolve));
  open();
  assert.equal(await answer, "ab", "the open connection went on");
});

test("a certificate file that is half written, and a key that is too short for TLS, are refused and end no process", async (t) => {
  use("first");
  const { logger, lines } = recording();
  const clock = new SteppedClock();
  const server = await listen(createApp({ name: "test", logger }), {
    ...{ host: "127.0.0.1", port: 0, tls: TLS, logger, clock },
  });
  t.after(() => server.close());
  const nameNow = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().subject.CN);
        socket.destroy();
      });
      socket.once("error", reject);
    });
  makeWeakCertificate(folder, "weak");
  const chain = readFileSync(path("second.crt"), "utf8") + readFileSync(path("ca.crt"), "utf8").slice(0, 200);
  for (const [cert, key, problem] of [
    [chain, "second", /a certificate in it is not complete/],
    [readFileSync(path("weak.crt"), "utf8"), "weak", /ee key too small/],
  ] as const) {
    writeFileSync(TLS.cert, cert);
    copyFileSync(path(`${key}.key`), TLS.key);
    assert.throws(
      () => readServerTls(TLS),
      (error) => error instanceof GantryError && problem.test(String(error.details.problem)),
      "a process that starts says so",
    );
    await clock.pass(10_000);
    assert.match(JSON.stringify(lines.filter(({ level }) => level === "error").at(-1)), problem);
    assert.equal(await nameNow(), "first");
  }
});

test("a new authority of client certificates counts for connections that are open, too", async (t) => {
  use("first");
  const { logger } = recording();
  const clock = new SteppedClock();
  const clientCa = path("clients.crt");
  copyFileSync(path("ca.crt"), clientCa);
  const app = createApp({ name: "test", logger });
  let waits = (): void => {};
  app.use(async (ctx) => {
    const { socket } = ctx.req;
    const isKnown = socket instanceof TLSSocket && socket.authorized;
    if (ctx.path === "/wait") {
      await new Promise<void>((resolve) => {
        clientGoneSignal(ctx).addEventListener("abort", () => resolve());
        waits();
      });
    }
    ctx.body = isKnown ? "known" : "unknown";
  });
  const tls = { ...TLS, clientCa };
  const server = await listen(app, { host: "127.0.0.1", port: 0, tls, logger, clock });
  t.after(() => server.close());
  const own = { cert: readFileSync(path("runner.crt")), key: readFileSync(path("runner.key")) };
  const stolen = { ca: readFileSync(path("ca.crt")), ...own };
  const callers = [1, 2].map(() => new Agent({ ...stolen, keepAlive: true, maxSockets: 1 }));
  t.after(() => {
    for (const one of callers) one.destroy();
  });
  const [idle, waiting] = callers;
  const ask = (agent: Agent | undefined, at: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const call = request(server.url + at, { agent }, (response) => {
        let text = "";
        response.on("data", (chunk) => {
          text += String(chunk);
        });
        response.on("end", () => resolve(`${text}${call.reusedSocket ? " on the same connection" : ""}`));
      });
      call.on("error", reject);
      call.end();
    });
  assert.equal(await ask(idle, "/"), "known");
  assert.equal(await ask(idle, "/"), "known on the same connection");
  const isWaiting = new Promise<void>((resolve) => {
    waits = resolve;
  });
  const answer = ask(waiting, "/wait");
  await isWaiting;
  mkdirSync(path("other"));
  makeCertificates(path("other"), []);
  copyFileSync(path("other/ca.crt"), clientCa);
  await clock.pass(10_000);
  assert.equal(await answer, "known", "what waits is answered");
  for (const agent of callers) assert.equal(await ask(agent, "/"), "unknown");
});

test("a process that would speak plain HTTP to other machines is refused with a reason, unless that is allowed", () => {
  const { logger, lines } = recording();
  const check = (allowPlainHttp: boolean): void =>
    checkPlainHttp(
      {
        allowPlainHttp,
        listens: { host: "0.0.0.0", hasTls: false },
        calls: { "/agent/url": "http://agent:7001", "/notify/url": "http://127.0.0.1:1" },
      },
      logger,
    );
  assert.throws(
    () => check(false),
    (error) =>
      error instanceof GantryError &&
      error.code === "config-invalid" &&
      error.problems.map(({ pointer }) => pointer).join() === "/host,/agent/url" &&
      /allowPlainHttp: true/.test(String(error.details.problem)),
  );
  check(true);
  assert.deepEqual(
    lines.map(({ level }) => level),
    ["warn", "warn"],
  );
  checkPlainHttp(
    { allowPlainHttp: false, listens: { host: "0.0.0.0", hasTls: true }, calls: { "/agent": "https://agent" } },
    logger,
  );
});

test("only addresses of this machine count as loopback", () => {
  for (const host of [
    "127.0.0.1",
    "127.9.9.9",
    "localhost",
    "LOCALHOST",
    "a.localhost",
    "::1",
    "[::1]",
    "::ffff:127.0.0.1",
    "[::ffff:7f00:1]",
  ])
    assert.equal(isLoopback(host), true, host);
  for (const host of [
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "agent",
    "127.0.0.1.evil.example",
    "[::ffff:7f1:203]",
    "::ffff:7f:1",
    "localhost.evil.example",
    "2001:db8::1",
    "127.example",
  ])
    assert.equal(isLoopback(host), false, host);
});
