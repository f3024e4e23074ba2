import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { type ErrorCode, explain, GantryError } from "@gantry/core/errors.ts";
import { z } from "zod";
import { basicAuth, createHttp, type Http } from "./http.ts";
import { problemOf } from "./http-problem.ts";

type T = { after: (fn: () => Promise<void>) => void };
type Handler = (request: IncomingMessage, response: ServerResponse, nth: number) => void;

async function systemThat(t: T, handler: Handler): Promise<{ url: string; asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => handler(request, response, ++asked));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked };
}

function client(url: string, more: Partial<Parameters<typeof createHttp>[0]> = {}): Http {
  const signal = new AbortController().signal;
  return createHttp({ system: "harbor (seoul)", baseUrl: `${url}/harbor`, fetch, signal, ...more });
}

async function errorOf(promise: Promise<unknown>): Promise<GantryError> {
  const error = await promise.then(
    () => assert.fail("it did not fail"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof GantryError, String(error));
  return error;
}

function answers(status: number, body = "", headers: Record<string, string> = {}): Handler {
  return (_, response) => void response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
}

test("keeps a sub-path of the address, sends query and JSON, and checks the answer", async (t) => {
  let seen: unknown;
  const system = await systemThat(t, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      seen = [request.method, request.url, request.headers["content-type"], Buffer.concat(chunks).toString()];
      response.writeHead(201, { "content-type": "text/plain" }).end('{"id":7,"more":true}');
    });
  });
  const answer = await client(system.url).post("/api/projects", {
    query: { q: "a b", page: 2, none: undefined, tag: ["x", "y"] },
    json: { name: "orders" },
    schema: z.object({ id: z.int() }),
  });
  assert.deepEqual([answer.status, answer.body], [201, { id: 7 }]);
  assert.deepEqual(seen, [
    "POST",
    "/harbor/api/projects?q=a+b&page=2&tag=x&tag=y",
    "application/json",
    '{"name":"orders"}',
  ]);
});

test("classifies answers by who has to act", async (t) => {
  const cases: readonly [number, string, ErrorCode][] = [
    [401, '{"message":"bad token"}', "credential-refused"],
    [403, '{"errors":[{"message":"no"}]}', "system-forbidden"],
    [400, '{"errors":{"projectKey":"taken"}}', "system-refused"],
    [404, "", "system-refused"],
    [409, '{"message":"exists"}', "system-refused"],
    [408, "", "system-unavailable"],
    [429, "", "system-unavailable"],
    [500, "", "system-unavailable"],
    [302, "", "system-strange"],
  ];
  for (const [status, body, code] of cases) {
    const system = await systemThat(t, answers(status, body, status === 302 ? { location: "/login" } : {}));
    const error = await errorOf(client(system.url).post("/x", { what: "create project orders" }));
    assert.equal(error.code, code, `status ${status}`);
    assert.match(explain(error).message, /harbor \(seoul\)/);
    assert.equal(system.asked(), 1, "a POST is never repeated");
  }
});

test("an expected status is an answer, with what the system said", async (t) => {
  const system = await systemThat(t, answers(404, '{"errors":[{"code":"NOT_FOUND"}]}'));
  const answer = await client(system.url).get("/projects/orders", { expect: [404], schema: z.object({ id: z.int() }) });
  assert.deepEqual([answer.ok, answer.status, answer.body], [false, 404, { errors: [{ code: "NOT_FOUND" }] }]);
});

test("repeats a GET at once when a backend is bad or the connection breaks, at most twice", async (t) => {
  const flaky = await systemThat(t, (request, response, nth) => {
    if (nth === 1) return void request.socket.destroy();
    if (nth === 2) return void response.writeHead(503).end();
    response.writeHead(200).end('"fine"');
  });
  assert.equal((await client(flaky.url).get("/x")).body, "fine");
  const down = await systemThat(t, (request) => void request.socket.destroy());
  assert.equal((await errorOf(client(down.url).get("/x"))).code, "system-unavailable");
  assert.equal(down.asked(), 3);
  const lost = await systemThat(t, (request) => void request.socket.destroy());
  assert.equal((await errorOf(client(lost.url).post("/x"))).code, "system-unavailable");
  assert.equal(lost.asked(), 1);
});

test("an error has the delay that the system asks for", async (t) => {
  const system = await systemThat(t, answers(429, "", { "retry-after": "7" }));
  assert.equal((await errorOf(client(system.url).post("/x"))).details.retryAfterMs, 7_000);
});

test("a login page, other fields, broken JSON and too much data are strange, and the place is named", async (t) => {
  const page = await systemThat(
    t,
    answers(200, "<!DOCTYPE html><title>Sign in</title>", { "content-type": "text/html" }),
  );
  assert.equal((await errorOf(client(page.url).get("/x"))).code, "system-strange");
  const absent = await systemThat(t, answers(404, "<html>nginx</html>", { "content-type": "text/html" }));
  assert.equal((await errorOf(client(absent.url).get("/x", { expect: [404] }))).code, "system-strange");
  const schema = z.object({ project: z.object({ id: z.int() }) });
  const other = await systemThat(t, answers(200, '{"project":{"id":"7"}}'));
  assert.match(explain(await errorOf(client(other.url).get("/x", { schema }))).why, /^project\.id must be /);
  const broken = await systemThat(t, answers(200, '{"project":'));
  assert.equal((await errorOf(client(broken.url).get("/x", { schema }))).code, "system-strange");
  const large = await systemThat(t, answers(200, JSON.stringify("x".repeat(2_000))));
  assert.equal((await errorOf(client(large.url, { maxBytes: 1_000 }).get("/x"))).code, "system-strange");
});

test("no secret reaches an error, even when the system repeats it", async (t) => {
  for (const authorization of [basicAuth("robot", "s3cret-word"), "Bearer s3cret-word"]) {
    const system = await systemThat(t, (request, response) => {
      response
        .writeHead(401)
        .end(JSON.stringify({ message: `not valid: ${request.headers.authorization} s3cret-word` }));
    });
    const error = await errorOf(client(system.url, { headers: { authorization } }).get("/x"));
    const shown = JSON.stringify([explain(error), error.details, error.message]);
    assert.match(shown, /not valid/);
    assert.doesNotMatch(shown, /s3cret-word|cm9ib3Q6/);
  }
});

test("gives up after the time limit, and stops at once when the step is aborted", async (t) => {
  const silent = await systemThat(t, () => undefined);
  const slow = await errorOf(client(silent.url, { timeoutMs: 30 }).post("/x"));
  assert.equal(slow.code, "system-unavailable");
  const abort = new AbortController();
  const call = client(silent.url, { signal: abort.signal }).get("/x");
  const reason = new Error("canceled");
  abort.abort(reason);
  await assert.rejects(call, (error) => error === reason);
});

test("reads the complaint from every known shape of error body", () => {
  assert.equal(problemOf({ errorMessages: ["one"], errors: { key: "two" } }), "one; key: two");
  assert.equal(problemOf({ errors: [{ msg: "three" }] }), "three");
  assert.equal(problemOf({ error: { message: "four" } }), "four");
  assert.equal(problemOf({ message: { name: ["has already been taken"] } }), "name: has already been taken");
  assert.equal(problemOf({ error: { base: ["taken"] } }), "base: taken");
  assert.equal(problemOf([{ id: "name", message: "five" }]), "five");
  assert.equal(problemOf({ unknown: 1 }), "");
  assert.ok(problemOf("x".repeat(10_000)).length <= 600);
});
