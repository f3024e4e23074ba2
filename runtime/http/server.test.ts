// The HTTP server of every process, over real sockets.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { problemSchema } from "@gantry/runtime/http/problem.ts";
import { z } from "zod";
import { type Answered, createApp } from "./app.ts";
import { requireBearer } from "./bearer.ts";
import { clientGoneSignal } from "./client-gone.ts";
import { notModified } from "./conditional.ts";
import { type Listening, listen } from "./listen.ts";
import { errorOf, PROBLEM_TYPE } from "./problem.ts";
import { readJson, readQuery } from "./read-request.ts";

const schema = z.strictObject({ name: z.string().max(20).default("nobody"), tree: z.json().optional() });
const answered: Answered[] = [];
const lines: { level: string; fields: object }[] = [];
let server: Listening;
let left: Promise<void>;

before(async () => {
  const log = (level: string) => (fields: object) => void lines.push({ level, fields });
  const logger = { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") };
  const app = createApp({ name: "test", logger, onAnswered: (one) => void answered.push(one) });
  let leave: () => void;
  left = new Promise((resolve) => {
    leave = resolve;
  });
  app.use(async (ctx, next) => {
    if (ctx.path === "/echo") ctx.body = await readJson(ctx, schema, { limit: 2_000 });
    else if (ctx.path === "/query") ctx.body = readQuery(ctx, z.strictObject({ limit: z.coerce.number().optional() }));
    else if (ctx.path === "/broken") throw new Error("the password is hunter2");
    else if (ctx.path === "/known") throw new GantryError("app-unknown", { app: "orders" });
    else if (ctx.path === "/tagged") ctx.body = notModified(ctx, "7") ? null : { version: 7 };
    else if (ctx.path === "/waits") {
      const gone = clientGoneSignal(ctx);
      await new Promise<void>((resolve) => gone.addEventListener("abort", () => resolve()));
      leave();
    } else await next();
  });
  app.use(requireBearer(["first-token", "second-token"]));
  app.use((ctx) => {
    if (ctx.path === "/secret") ctx.body = "ok";
  });
  server = await listen(app, { host: "127.0.0.1", port: 0 });
});

after(() => server.close());

const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server.url}/echo`, { method: "POST", body, headers: { "content-type": "application/json", ...headers } });

async function problem(answer: Response): Promise<z.infer<typeof problemSchema>> {
  assert.equal(answer.headers.get("content-type")?.split(";")[0], PROBLEM_TYPE);
  const body = problemSchema.parse(await answer.json());
  assert.equal(body.status, answer.status);
  assert.equal(body.requestId, answer.headers.get("x-request-id"));
  return body;
}

test("a valid body reaches the handler; a missing body counts as an empty object", async () => {
  assert.deepEqual(await (await post('{"name":"a\\u00e9","tree":[{"x":1},{"x":2}]}')).json(), {
    name: "aé",
    tree: [{ x: 1 }, { x: 2 }],
  });
  assert.deepEqual(await (await fetch(`${server.url}/echo`, { method: "POST" })).json(), { name: "nobody" });
});

test("invalid bodies are refused with a reason", async (t) => {
  const deep = (levels: number) => `{"tree":${"[".repeat(levels)}${"]".repeat(levels)}}`;
  const cases: [string, string | Uint8Array<ArrayBuffer>, number, RegExp, Record<string, string>?][] = [
    ["unknown field", '{"nam":1}', 400, /nam/],
    ["wrong type", '{"name":1}', 400, /name/],
    ["not JSON", "{", 400, /not JSON/],
    ["unclosed text", '{"name":"x', 400, /not JSON/],
    ["key twice", '{"name":"a","n\\u0061me":"b"}', 400, /twice/],
    ["prototype", '{"__proto__":{"name":"x"}}', 400, /__proto__/],
    ["a lone surrogate", '{"name":"\\ud800"}', 400, /Unicode/],
    ["too deep", deep(64), 400, /deeper/],
    ["too large", JSON.stringify({ name: "x".repeat(2_000) }), 413, /2000/],
    ["not UTF-8", new Uint8Array([0x22, 0xff, 0x22]), 415, /UTF-8/],
    ["another type", "{}", 415, /Content-Type/, { "content-type": "text/plain" }],
    ["compressed", "{}", 415, /compressed/, { "content-encoding": "gzip" }],
  ];
  for (const [name, body, status, expected, headers] of cases) {
    await t.test(name, async () => {
      const answer = await post(body, headers ?? {});
      assert.equal(answer.status, status);
      const sent = await problem(answer);
      assert.match(JSON.stringify(sent), expected);
    });
  }
  assert.equal((await post(deep(63))).status, 200);
});

test("a body that is too large gets an answer while it is still being sent", async () => {
  assert.equal((await post(new Uint8Array(6_000_000))).status, 413);
});

test("queries are strict", async () => {
  assert.deepEqual(await (await fetch(`${server.url}/query?limit=3`)).json(), { limit: 3 });
  for (const bad of ["limit=1&limit=2", "limit[]=1", "limit=x", "__proto__=1", "other=1"]) {
    await problem(await fetch(`${server.url}/query?${bad}`));
  }
});

test("an unexpected error does not reveal its text; a GantryError keeps its code and details", async () => {
  const broken = await fetch(`${server.url}/broken`, { headers: { "x-request-id": "req-1" } });
  assert.equal(broken.status, 500);
  assert.doesNotMatch(await broken.text(), /hunter2/);
  assert.ok(lines.some((line) => line.level === "error" && JSON.stringify(line.fields).includes("req-1")));

  const known = errorOf(await problem(await fetch(`${server.url}/known`)));
  assert.ok(known instanceof GantryError);
  assert.deepEqual([known.code, known.message], ["app-unknown", "There is no app orders."]);
});

test("only the right bearer token passes", async () => {
  const ask = (token?: string) =>
    fetch(`${server.url}/secret`, token === undefined ? {} : { headers: { authorization: token } });
  assert.equal((await ask("Bearer second-token")).status, 200);
  for (const token of [undefined, "Bearer second", "Basic second-token", "Bearer ", "second-token"]) {
    assert.equal((await ask(token)).status, 401);
  }
});

test("a version that the client already has is answered with 304", async () => {
  const first = await fetch(`${server.url}/tagged`);
  const etag = first.headers.get("etag") ?? "";
  assert.equal((await fetch(`${server.url}/tagged`, { headers: { "if-none-match": `"x", ${etag}` } })).status, 304);
  assert.equal((await fetch(`${server.url}/tagged`, { headers: { "if-none-match": '"8"' } })).status, 200);
});

test("a client that leaves aborts its handler", async () => {
  const socket = connect(server.port, "127.0.0.1");
  socket.write("GET /waits HTTP/1.1\r\nHost: x\r\n\r\n", () => socket.destroy());
  await left;
});

test("invalid HTTP is answered with a problem document", async () => {
  const exchange = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(server.port, "127.0.0.1", () => socket.write(text));
      let got = "";
      socket.on("data", (chunk) => {
        got += chunk.toString();
        if (/"requestId"/.test(got)) socket.destroy();
      });
      socket.on("close", () => resolve(got));
      socket.on("error", reject);
    });
  for (const [text, status] of [
    ["GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: good@evil.com\r\n\r\n", 400],
    ["GET http://evil.com/ HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400],
    ["POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", 400],
    ["nonsense\r\n\r\n", 400],
    [`GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431],
  ] as const) {
    const answer = await exchange(text);
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `), text.slice(0, 60));
    assert.match(answer, /application\/problem\+json/);
  }
});

test("every answer has an access log line, without the query", async () => {
  await fetch(`${server.url}/query?limit=12345`);
  assert.ok(answered.length > 0);
  assert.ok(lines.some((line) => line.level === "info"));
  assert.doesNotMatch(JSON.stringify(lines), /12345/);
});

test("a closing server answers waiting clients and closes their connections, so that they reconnect elsewhere", async (t) => {
  const arrived = Promise.withResolvers<void>();
  const closing = createApp({ name: "closing", logger: { debug() {}, info() {}, warn() {}, error() {} } });
  closing.use(async (ctx) => {
    arrived.resolve();
    await new Promise((resolve) => clientGoneSignal(ctx).addEventListener("abort", resolve));
    ctx.body = "done";
  });
  const server = await listen(closing, { host: "127.0.0.1", port: 0 });
  const asked = fetch(`${server.url}/poll`);
  await arrived.promise;
  // Without this timer, the server never cuts connections: it closes only when it waits for none.
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const closed = server.close();
  const answer = await asked;
  assert.deepEqual([await answer.text(), answer.headers.get("connection")], ["done", "close"]);
  await closed;
});

test("a closing server waits neither for a connection without a request nor for a request that begins to wait later", async (t) => {
  const arrived = Promise.withResolvers<void>();
  const closing = createApp({ name: "closing", logger: { debug() {}, info() {}, warn() {}, error() {} } });
  closing.use(async (ctx) => {
    arrived.resolve();
    await readJson(ctx, z.unknown());
    const gone = clientGoneSignal(ctx);
    if (!gone.aborted) await once(gone, "abort");
    ctx.body = "done";
  });
  const server = await listen(closing, { host: "127.0.0.1", port: 0 });
  const silent = connect(server.port, "127.0.0.1");
  await once(silent, "connect");
  const asking = connect(server.port, "127.0.0.1").setEncoding("utf8");
  asking.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{");
  await arrived.promise;
  // Without this timer, the server never cuts connections: it closes only when it waits for none.
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const closed = server.close();
  asking.write("}");
  const answer = (await asking.toArray()).join("");
  assert.match(answer, /^HTTP\/1\.1 200 [\s\S]*Connection: close[\s\S]*done/);
  await closed;
});
