// Deliveries of the configured sources: signed in the way of their host, once, and handed to the task-agent as they came.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { testRuns } from "@gantry/core/test-runs.fixture.ts";
import { WEBHOOK_HOSTS, type WebhookHost } from "@gantry/core/webhook/delivery.ts";
import { payloadsOf } from "@gantry/core/webhook/payloads.fixture.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import fc from "fast-check";
import { startPortal } from "../main.ts";
import { standingClock, startTestPortal, type TestPortal } from "../portal.fixture.ts";
import { giteeToken, type Headers, SECRET, SIGN } from "./sign.fixture.ts";

type Answer = { readonly status: number; readonly state?: string; readonly id?: string };
type Send = (source: string, body: string, headers: Headers) => Promise<Answer>;

async function open(
  t: TestContext,
  clock?: Clock,
): Promise<{ portal: TestPortal; send: Send; received: () => number }> {
  const sources = Object.fromEntries(WEBHOOK_HOSTS.map((host) => [host, { host, system: "git", secret: SECRET }]));
  const portal = await startTestPortal({ webhooks: { sources } }, clock ? { clock } : {});
  t.after(() => portal.close());
  const send: Send = async (source, body, headers) => {
    const answer = await portal.ask(`/v1/webhooks/${source}`, {
      ...{ method: "POST", body, token: null, headers: { "content-type": "application/json", ...headers } },
    });
    const { state, id } = (await answer.json()) as { state?: string; id?: string };
    return { status: answer.status, ...(state === undefined ? {} : { state }), ...(id === undefined ? {} : { id }) };
  };
  const received = (): number =>
    portal.agent.requests.filter((one) => one.startsWith("POST /agent/v1/webhook-deliveries")).length;
  return { portal, send, received };
}

for (const host of WEBHOOK_HOSTS)
  test(`a delivery of ${host} counts once, and only with the secret`, async (t) => {
    const { portal, send, received } = await open(t);
    const body = JSON.stringify(payloadsOf(host)[0]?.body);
    assert.equal((await send(host, body, SIGN[host](body, "1", "another-secret-of-16"))).status, 401);
    assert.equal((await send(host, body, {})).status, 401);
    assert.equal(received(), 0, "nobody was told");
    const first = await send(host, body, SIGN[host](body, "1"));
    assert.deepEqual([first.status, first.state], [202, "received"]);
    const again = await send(host, body, SIGN[host](body, "1"));
    assert.deepEqual(again, { status: 202, state: "known", id: first.id });
    const copy = await send(host, body, SIGN[host](body, "2"));
    // GitLab sends the secret itself, and two pushes may have the same body.
    assert.equal(copy.state, host === "gitlab" ? "received" : "known", "a copy with another id");
    if (!["gitlab", "gitee", "harbor"].includes(host))
      assert.equal((await send(host, `${body} `, SIGN[host](body, "3"))).status, 401, "another body");
    const audit = JSON.stringify(await (await portal.ask("/v1/audit/entries")).json());
    assert.match(audit, new RegExp(`"webhook":"${host}"`));
    assert.doesNotMatch(audit, new RegExp(SECRET));
  });

/** Their signatures have the same form. */
const HUB: readonly WebhookHost[] = ["github", "bitbucket-dc", "bitbucket-cloud"];

test("a source takes only what its own host has signed", async (t) => {
  const { send, received } = await open(t);
  for (const host of WEBHOOK_HOSTS)
    for (const other of WEBHOOK_HOSTS) {
      if (host === other || (HUB.includes(host) && HUB.includes(other))) continue;
      const { status } = await send(host, "{}", SIGN[other]("{}", "1"));
      assert.ok(status === 401 || status === 429, `${host} took a delivery of ${other}: ${status}`);
    }
  assert.equal(received(), 0);
});

test("an old signature of Gitee is refused", async (t) => {
  const { send } = await open(t);
  const at = (time: number): Headers => ({ "x-gitee-token": giteeToken(time), "x-gitee-timestamp": String(time) });
  assert.equal((await send("gitee", "{}", at(Date.now() - 2 * 3_600_000))).status, 401);
  assert.equal((await send("gitee", "{}", at(Number.NaN))).status, 401);
  assert.equal((await send("gitee", "{}", at(Date.now()))).status, 202);
});

test("a source that is not configured does not exist, and Bitbucket may try the connection", async (t) => {
  const { send, received } = await open(t);
  assert.equal((await send("unknown", "{}", SIGN.github("{}", "1"))).status, 404);
  assert.equal((await send("Not-a-name", "{}", {})).status, 400);
  assert.deepEqual(await send("bitbucket-dc", '{"test":true}', { "x-event-key": "diagnostics:ping" }), {
    status: 202,
    state: "test",
  });
  assert.equal((await send("github", '{"test":true}', { "x-event-key": "diagnostics:ping" })).status, 401);
  assert.equal(received(), 0);
});

test("somebody who guesses has to wait; a host that sends many at once has not", async (t) => {
  const { send } = await open(t);
  const many = Array.from({ length: 60 }, (_, n) => `{"n":${n}}`);
  const all = await Promise.all(many.map((body) => send("github", body, SIGN.github(body, body))));
  assert.deepEqual(new Set(all.map(({ status }) => status)), new Set([202]));
  const wrong = await Promise.all(
    many.map((body) => send("github", body, SIGN.github(body, body, "another-secret-of-16"))),
  );
  assert.ok(wrong.some(({ status }) => status === 429));
  assert.ok(wrong.every(({ status }) => status === 401 || status === 429));
});

test("a stranger who tries the connection again and again has to wait", async (t) => {
  const { portal, send } = await open(t, standingClock());
  const tests = Array.from({ length: 60 }, () => send("bitbucket-dc", "{}", { "x-event-key": "diagnostics:ping" }));
  const statuses = (await Promise.all(tests)).map(({ status }) => status);
  assert.ok(statuses.filter((one) => one === 202).length <= 30, `${statuses}`);
  assert.ok(statuses.every((one) => one === 202 || one === 429));
  const body = "{}";
  const genuine = await portal.ask("/v1/webhooks/github", {
    ...{ method: "POST", body, token: null, headers: SIGN.github(body, "1") },
  });
  assert.equal(genuine.status, 429, "its address has to wait, as after wrong signatures");
});

test("a body that is too large, is no text or comes while the task-agent is out is refused, and may come again", async (t) => {
  const { portal, send } = await open(t);
  const large = `"${"x".repeat(1_048_576)}"`;
  assert.equal((await send("github", large, SIGN.github(large, "1"))).status, 413);
  const quotes = '"'.repeat(1_048_576);
  assert.equal((await send("github", quotes, SIGN.github(quotes, "2"))).status, 202, "twice as long as JSON");
  portal.agent.setOut(true);
  assert.equal((await send("github", "{}", SIGN.github("{}", "3"))).status, 503);
  portal.agent.setOut(false);
  assert.deepEqual((await send("github", "{}", SIGN.github("{}", "3"))).state, "received");
});

test("a secret in a file counts at once when it changes, and one that is too short stops the portal", async (t) => {
  const portal = await startTestPortal();
  t.after(() => portal.close());
  const path = join(portal.dir, "secret");
  /** The secret is checked before anything is opened. */
  const problemOf = async (file: string): Promise<string> => {
    const sources = { git: { host: "github" as const, secret: { file } } };
    const agent = { url: "http://127.0.0.1:1", token: "a-token-of-16-characters" };
    const error: unknown = await startPortal({ agent, webhooks: { sources } }).catch((one: unknown) => one);
    assert.ok(error instanceof GantryError && error.code === "config-invalid");
    return JSON.stringify(error.problems);
  };
  assert.match(await problemOf(`${path}-missing`), /"\/webhooks\/sources\/git\/secret".*cannot be read/);
  writeFileSync(path, "short\n");
  assert.match(await problemOf(path), /at least 16 characters/);
  writeFileSync(path, `${SECRET}\n`);
  const with_ = await startTestPortal({ webhooks: { sources: { git: { host: "github", secret: { file: path } } } } });
  t.after(() => with_.close());
  const send = async (body: string, secret: string): Promise<number> =>
    (
      await with_.ask("/v1/webhooks/git", {
        method: "POST",
        body,
        token: null,
        headers: SIGN.github(body, body, secret),
      })
    ).status;
  assert.equal(await send("{}", SECRET), 202);
  writeFileSync(path, "the-next-secret-of-it");
  assert.equal(await send("[]", SECRET), 401);
  assert.equal(await send("[]", "the-next-secret-of-it"), 202);
});

test("the password that Gitee repeats in its body is not handed on", async (t) => {
  const { portal, send } = await open(t);
  const body = JSON.stringify({ password: SECRET, hook_name: "push_hooks" });
  assert.equal((await send("gitee", body, SIGN.gitee(body, "1"))).status, 202);
  assert.doesNotMatch(portal.agent.state(), new RegExp(SECRET));
  assert.doesNotMatch(await portal.journalText(), new RegExp(SECRET));
});

test("no body, however strange, is answered as if the portal had failed", async (t) => {
  const { send } = await open(t);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...WEBHOOK_HOSTS),
      fc.oneof(
        fc.json({ maxDepth: 5 }),
        fc.string({ unit: "binary", maxLength: 2_000 }),
        fc.constant("[".repeat(10_000)),
      ),
      fc.string({ maxLength: 40 }),
      async (host, text, id) => {
        const body = text.isWellFormed() ? text : text.toWellFormed();
        const headers = SIGN[host](body, /^[\x21-\x7e]+$/.test(id) ? id : "1");
        assert.equal((await send(host, body, headers)).status, 202);
      },
    ),
    { numRuns: testRuns(400) },
  );
});
