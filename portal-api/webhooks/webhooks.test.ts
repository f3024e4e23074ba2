// Webhooks of git hosts: a push is told, and definitions are read again.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { type TestContext, test } from "node:test";
import { GIT_PROVIDERS, type GitProvider } from "@gantry/core/site/git-providers.ts";
import { startTestPortal, type TestPortal } from "../portal.fixture.ts";
import { giteeToken, type Headers, SECRET, SIGN } from "./sign.fixture.ts";

const PATH = "/v1/webhooks/definitions";

/** What some hosts send as well, in the form of others. */
const ALSO: { readonly [Host in GitProvider]?: (body: string, secret: string) => Headers } = {
  github: () => ({ "x-hub-signature": "sha1=0000" }),
  gitea: (body, secret) => ({
    "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
  }),
};
const sign = (host: GitProvider, body: string, id: string, secret = SECRET): Headers => ({
  ...SIGN[host](body, id, secret),
  ...ALSO[host]?.(body, secret),
});

async function open(t: TestContext, more = {}): Promise<{ portal: TestPortal; syncs: () => number; send: Send }> {
  const portal = await startTestPortal({ webhooks: { definitions: { secret: SECRET } }, ...more });
  t.after(() => portal.close());
  const syncs = (): number => portal.agent.requests.filter((one) => one.includes("/definitions/sync")).length;
  const send: Send = async (body, headers) => {
    const answer = await portal.ask(PATH, {
      ...{ method: "POST", body, token: null },
      headers: { "content-type": "application/json", ...headers },
    });
    return [answer.status, ((await answer.json()) as { state?: string }).state];
  };
  return { portal, syncs, send };
}
type Send = (body: string, headers: Headers) => Promise<readonly [number, string | undefined]>;

/** Gitee signs the time and not the body: see the next test. */
for (const host of GIT_PROVIDERS.filter((one) => one !== "gitee"))
  test(`a push at ${host} makes the definitions be read, once per delivery, and only with the secret`, async (t) => {
    const { portal, syncs, send } = await open(t);
    const body = JSON.stringify({ ref: "refs/heads/main", repository: { full_name: "somebody/else" } });
    assert.deepEqual(await send(body, sign(host, body, "1", "another-secret-of-16")), [401, undefined]);
    assert.deepEqual(await send(body, {}), [401, undefined]);
    assert.equal(syncs(), 0);
    assert.deepEqual(await send(body, sign(host, body, "1")), [202, "requested"]);
    assert.deepEqual(await send(body, sign(host, body, "1")), [202, "known"], "it was sent again");
    assert.deepEqual(await send(body, sign(host, body, "2")), [202, "known"], "a copy with another id");
    if (host !== "gitlab") assert.equal((await send(`${body} `, sign(host, body, "3")))[0], 401, "another body");
    assert.equal(syncs(), 1);
    const next = `${body}\n`;
    assert.deepEqual(await send(next, sign(host, next, "4")), [202, "requested"]);
    assert.equal(syncs(), 2);
    const entries = (await (await portal.ask("/v1/audit/entries")).json()) as { items: object[] };
    const text = JSON.stringify(
      entries.items.filter((one) => JSON.stringify(one).includes("receiveDefinitionsWebhook")),
    );
    assert.match(text, /"webhook":"definitions"/);
    assert.match(text, /"status":401/);
    assert.doesNotMatch(text, /somebody/, "nothing of the body");
  });

test("a signature of Gitee is of the time, so an old one is refused", async (t) => {
  const { send } = await open(t);
  const at = (time: number): Headers => ({ "x-gitee-token": giteeToken(time), "x-gitee-timestamp": String(time) });
  assert.deepEqual(await send("{}", at(Date.now() - 2 * 3_600_000)), [401, undefined]);
  assert.deepEqual(await send("{}", at(Date.now())), [202, "requested"]);
  const time = Date.now() + 1;
  const escaped = { ...at(time), "x-gitee-token": encodeURIComponent(giteeToken(time)) };
  assert.deepEqual(await send("[]", escaped), [202, "requested"]);
  assert.deepEqual(await send("{ }", { "x-gitee-token": giteeToken(time, "x"), "x-gitee-timestamp": String(time) }), [
    401,
    undefined,
  ]);
});

test("a sender with too many requests waits, and without a secret there is no webhook", async (t) => {
  const { send } = await open(t);
  const statuses = await Promise.all(Array.from({ length: 40 }, async () => (await send("{}", {}))[0]));
  assert.ok(statuses.includes(429), statuses.join());
  const none = await open(t, { webhooks: {} });
  const headers = sign("github", "{}", "1");
  assert.deepEqual(await none.send("{}", headers), [404, undefined]);
});

test("a delivery that could not be passed on counts when the host sends it again", async (t) => {
  const { portal, syncs, send } = await open(t);
  const headers = sign("github", "{}", "1");
  portal.agent.setOut(true);
  assert.deepEqual(await send("{}", headers), [503, undefined]);
  portal.agent.setOut(false);
  const before = syncs();
  assert.deepEqual(await send("{}", headers), [202, "requested"]);
  assert.equal(syncs(), before + 1);
  assert.deepEqual(await send("{}", headers), [202, "known"]);
});

test("a stranger's body is not waited for when it is refused anyway, and few are kept at once", async (t) => {
  const begun: ClientRequest[] = [];
  t.after(() => {
    for (const one of begun) one.destroy();
  });
  /** Sends the headers, and the body never. */
  const begin = (portal: TestPortal): ClientRequest => {
    const headers = { "content-type": "application/json", "content-length": 1_000_000, "x-gitlab-token": "x" };
    const one = request(portal.url + PATH, { method: "POST", headers });
    // Destroyed at the end of the test.
    one.on("error", () => {});
    one.flushHeaders();
    begun.push(one);
    return one;
  };
  const answered = async (one: ClientRequest): Promise<IncomingMessage> => {
    const [answer] = (await once(one, "response")) as [IncomingMessage];
    return answer;
  };
  const off = await open(t, { webhooks: {} });
  assert.equal((await answered(begin(off.portal))).statusCode, 404);
  const { portal } = await open(t);
  const refused = await Promise.race(Array.from({ length: 6 }, () => answered(begin(portal))));
  assert.equal(refused.statusCode, 429);
  assert.match(String(await refused.setEncoding("utf8").toArray()), /open deliveries/);
});
