// One token cannot take the portal away from all others.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { cpuMsOf } from "@gantry/lab/cpu-time.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { PortalConfigInput } from "../config.ts";
import { standingClock, startTestPortal, type TestPortal } from "../portal.fixture.ts";

async function open(t: TestContext, limits: PortalConfigInput["limits"] = {}, clock?: Clock): Promise<TestPortal> {
  const portal = await startTestPortal({ limits }, clock ? { clock } : {});
  t.after(() => portal.close());
  return portal;
}

test("one request for a page reads a limited part of the history, and its `last` leads to the rest", async (t) => {
  const portal = await open(t);
  const { id } = portal.agent.addTask({ app: "orders" });
  for (let n = 0; n < 60; n += 1) portal.agent.emit(id, "StepStarted");
  const before = portal.agent.requests.length;
  const page = async (after: number): Promise<{ items: unknown[]; last: number }> =>
    (await (await portal.ask(`/v1/events?after=${after}&limit=1&app=billing&wait=30000`)).json()) as never;
  const first = await page(0);
  assert.deepEqual(first, { items: [], last: 20 });
  assert.ok(portal.agent.requests.length - before < 50);
  assert.equal((await page(first.last)).last, 40);
  const waiting = page(61);
  portal.agent.addTask({ app: "billing" });
  assert.equal((await waiting).items.length, 1);
});

test("1,000 event streams with one token: 100 are opened, and all requests are answered at once", async (t) => {
  const portal = await open(t);
  const [attacker, other] = [await portal.tokenOf("viewer", "attacker"), await portal.tokenOf("viewer", "other")];
  const { id } = portal.agent.addTask();
  const leaving = new AbortController();
  const watch = (token: string, path = "/v1/events"): Promise<Response> =>
    portal.ask(path, { token, headers: { accept: "text/event-stream" }, signal: leaving.signal });
  const answers: Response[] = [];
  while (answers.length < 1_000)
    answers.push(...(await Promise.all(Array.from({ length: 20 }, () => watch(attacker)))));
  const refused = answers.filter(({ status }) => status !== 200);
  assert.equal(answers.length - refused.length, 100);
  for (const answer of refused) {
    assert.deepEqual([answer.status, answer.headers.get("retry-after")], [429, "5"]);
    assert.equal(((await answer.json()) as { code: string }).code, "limit-reached");
  }
  assert.equal((await watch(attacker, `/v1/tasks/${id}/events`)).status, 429);
  const cpuMs = await cpuMsOf(async () => {
    for (const token of [attacker, other]) assert.equal((await portal.ask("/v1/me", { token })).status, 200);
  });
  assert.ok(cpuMs < 1_000, `${cpuMs} ms`);
  assert.equal((await watch(other)).status, 200);
  leaving.abort();
  // The portal hears a moment later that they have left.
  let again = 429;
  for (let tries = 0; again !== 200 && tries < 100; tries += 1) {
    const stream = new AbortController();
    const headers = { accept: "text/event-stream" };
    again = (await portal.ask("/v1/events", { token: attacker, headers, signal: stream.signal })).status;
    stream.abort();
  }
  assert.equal(again, 200);
});

test("event streams of all callers together are limited", async (t) => {
  const portal = await open(t, { allStreams: 3 });
  const leaving = new AbortController();
  t.after(() => leaving.abort());
  const statuses = [];
  for (const name of ["a", "b", "c", "d"]) {
    const token = await portal.tokenOf("viewer", name);
    const headers = { accept: "text/event-stream" };
    statuses.push((await portal.ask("/v1/events", { token, headers, signal: leaving.signal })).status);
  }
  assert.deepEqual(statuses, [200, 200, 200, 429]);
});

test("requests of one caller are limited, by rate and by number", async (t) => {
  const portal = await open(t, { requestsPerSecond: 10, openRequests: 5 });
  const [attacker, other] = [await portal.tokenOf("viewer", "attacker"), await portal.tokenOf("viewer", "other")];
  const { last } = (await (await portal.ask("/v1/events", { token: attacker })).json()) as { last: number };
  const leaving = new AbortController();
  const waiting = Array.from({ length: 8 }, () =>
    portal
      .ask(`/v1/events?after=${last}&wait=20000`, { token: attacker, signal: leaving.signal })
      .catch(() => undefined),
  );
  const first = await Promise.race(waiting);
  assert.equal(first?.status, 429);
  leaving.abort();
  await Promise.all(waiting);
  const many = await Promise.all(Array.from({ length: 60 }, () => portal.ask("/v1/me", { token: attacker })));
  const refused = many.filter(({ status }) => status === 429);
  assert.ok(refused.some(({ headers }) => headers.get("retry-after") === "1"));
  assert.equal((await portal.ask("/v1/me", { token: other })).status, 200);
});

test("a token without rights fills neither the audit log nor the journal with sign-in links", async (t) => {
  const portal = await open(t, {}, standingClock());
  const token = await portal.tokenOf("none");
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => portal.ask("/v1/sign-in-links", { method: "POST", token, json: {} })),
  );
  const made = answers.filter(({ status }) => status === 201).length;
  assert.ok(made >= 20 && made < 150, String(made));
  assert.ok(answers.every(({ status }) => status === 201 || status === 429));
  assert.equal((await portal.ask("/v1/me", { token })).status, 200);
});

/** Sends requests at once on one connection. `answered`: how many answers have arrived. */
async function pipeline(
  t: TestContext,
  { url, port }: TestPortal,
  requests: readonly string[],
): Promise<{ readonly answered: () => number; readonly all: Promise<void> }> {
  const socket = connect(port, new URL(url).hostname);
  t.after(() => socket.destroy());
  let answered = 0;
  const all = new Promise<void>((resolve) => {
    socket.on("data", (bytes: Buffer) => {
      answered += bytes.toString("latin1").split("HTTP/1.1 ").length - 1;
      if (answered >= requests.length) resolve();
    });
  });
  socket.write(requests.join(""));
  return { answered: () => answered, all };
}

for (const path of [
  "/v1/audit/entries?limit=200",
  "/v1/audit?who=nobody",
  "/v1/tokens",
  "/v1/events?after=0&limit=200",
]) {
  test(`100 requests at once for ${path} hold up nobody else`, async (t) => {
    const portal = await open(t);
    const other = await portal.tokenOf("viewer", "other");
    await Promise.all(Array.from({ length: 100 }, (_, n) => portal.tokenOf("viewer", `token-${n}`)));
    const { id } = portal.agent.addTask();
    for (let n = 0; n < 200; n += 1) portal.agent.emit(id, "StepStarted");
    const one = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${portal.adminToken}\r\n\r\n`;
    const { answered, all } = await pipeline(t, portal, Array<string>(100).fill(one));
    for (let n = 0; n < 3; n += 1) assert.equal((await portal.ask("/v1/me", { token: other })).status, 200);
    assert.ok(answered() < 75, `${answered()} of 100 were answered first`);
    await all;
  });
}

test("requests without a caller are limited by address, also with made-up tokens, and signed-in ones are not", async (t) => {
  const portal = await startTestPortal(
    { trustedProxies: 1, limits: { strangersPerSecond: 10 } },
    { clock: standingClock() },
  );
  t.after(() => portal.close());
  const other = await portal.tokenOf("viewer", "other");
  const ask = (path: string, forwarded: string, token: string | null = null): Promise<Response> =>
    portal.ask(path, { token, headers: { "x-forwarded-for": forwarded } });
  for (const [from, path, token] of [
    ["192.0.2.1", "/sign-in", null],
    ["192.0.2.2", "/v1/me", "gantry_made-up"],
    ["192.0.2.3", "/readyz", null],
    ["192.0.2.4", "/sign-in/with/unknown", null],
  ] as const) {
    // What the client itself has written is further left.
    const many = await Promise.all(Array.from({ length: 60 }, (_, n) => ask(path, `198.51.100.${n}, ${from}`, token)));
    const refused = many.filter(({ status }) => status === 429);
    assert.ok(refused.length >= 20, `${path}: ${refused.length} refused`);
    assert.ok(refused.every(({ headers }) => headers.get("retry-after") === "1"));
    assert.equal((await ask("/v1/me", from, other)).status, 200);
  }
  assert.equal((await ask("/sign-in", "192.0.2.9")).status, 200);
});
