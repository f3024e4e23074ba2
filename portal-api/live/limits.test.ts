// One token cannot take the portal away from all others.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { PortalConfigInput } from "../config.ts";
import { startTestPortal, type TestPortal } from "../portal.fixture.ts";

async function open(t: TestContext, limits: PortalConfigInput["limits"] = {}): Promise<TestPortal> {
  const portal = await startTestPortal({ limits });
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
  const began = performance.now();
  for (const token of [attacker, other]) assert.equal((await portal.ask("/v1/me", { token })).status, 200);
  assert.ok(performance.now() - began < 1_000);
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
  const portal = await open(t);
  const token = await portal.tokenOf("none");
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => portal.ask("/v1/sign-in-links", { method: "POST", token, json: {} })),
  );
  const made = answers.filter(({ status }) => status === 201).length;
  assert.ok(made >= 20 && made < 150, String(made));
  assert.ok(answers.every(({ status }) => status === 201 || status === 429));
  assert.equal((await portal.ask("/v1/me", { token })).status, 200);
});
