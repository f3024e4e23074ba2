// Personal and service tokens over HTTP: rights of the owner, scope, rotation, last use, expiry.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { clockAt, startTestPortal, type TestPortal } from "../portal.fixture.ts";

const MINUTE = 60_000;
const PASSWORD = "four quiet green llamas";
let nowMs = 1_800_000_000_000;
const clock = clockAt(() => nowMs);

let portal: TestPortal;
before(async () => {
  portal = await startTestPortal({ signIn: { maxTokenDays: 100 } }, { clock });
});
after(() => portal.close());

type Token = { token: string; name: string; expiresAt?: string; lastUsedAt?: string; previousUntil?: string };

async function signedIn(name: string, role: string): Promise<Record<string, string>> {
  const made = await portal.ask("/v1/people", { method: "POST", json: { name, role } });
  const { activation } = (await made.json()) as { activation: { url: string } };
  const form = { "sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded" };
  const submit = (path: string, fields: Record<string, string>): Promise<Response> =>
    portal.ask(path, {
      method: "POST",
      token: null,
      headers: form,
      body: new URLSearchParams(fields).toString(),
      redirect: "manual",
    });
  const code = new URL(activation.url).searchParams.get("code") ?? "";
  await submit("/sign-in/activate", { code, password: PASSWORD, repeated: PASSWORD });
  const answer = await submit("/sign-in/password", { name, password: PASSWORD });
  return { cookie: answer.headers.get("set-cookie")?.split(";")[0] ?? "", "sec-fetch-site": "same-origin" };
}

const own = (headers: Record<string, string>, json: object): Promise<Response> =>
  portal.ask("/v1/me/tokens", { method: "POST", token: null, headers, json });
const me = async (token: string): Promise<{ name: string; role: string } | number> => {
  const answer = await portal.ask("/v1/me", { token });
  return answer.status === 200 ? ((await answer.json()) as { name: string; role: string }) : answer.status;
};
const roleOf = async (token: string): Promise<string | number> => {
  const found = await me(token);
  return typeof found === "number" ? found : `${found.name} ${found.role}`;
};

test("a personal token acts as its owner, is shown once, and two people may use the same name", async () => {
  const [ada, bob] = [await signedIn("ada", "developer"), await signedIn("bob", "viewer")];
  const { token } = (await (await own(ada, { name: "laptop" })).json()) as Token;
  const second = (await (await own(bob, { name: "laptop" })).json()) as Token;
  assert.deepEqual([await roleOf(token), await roleOf(second.token)], ["ada developer", "bob viewer"]);
  assert.equal((await own(ada, { name: "laptop" })).status, 400);
  const list = await (await portal.ask("/v1/me/tokens", { token: null, headers: ada })).text();
  assert.match(list, /"name":"laptop","owner":"ada"/);
  assert.doesNotMatch(list, /bob|gantry_pat_/);
  assert.match(await (await portal.ask("/v1/tokens")).text(), /"owner":"bob"/);
  assert.equal((await portal.ask("/v1/tokens/laptop?owner=bob", { method: "DELETE" })).status, 204);
  assert.deepEqual([await roleOf(token), await roleOf(second.token)], ["ada developer", 401]);
  assert.equal((await portal.ask("/v1/me/tokens/laptop", { method: "DELETE", token: null, headers: ada })).status, 204);
  assert.equal(await roleOf(token), 401);
});

test("a token cannot make others, and a scoped one cannot widen itself by any way", async () => {
  const cyd = await signedIn("cyd", "admin");
  const { token } = (await (await own(cyd, { name: "narrow", scope: { apps: ["orders"] } })).json()) as Token;
  const try_ = (path: string, json: object): Promise<number> =>
    portal.ask(path, { method: "POST", token, json }).then(({ status }) => status);
  assert.equal(await try_("/v1/me/tokens", { name: "wide" }), 403);
  assert.equal(await try_("/v1/tokens", { name: "wide", role: "admin" }), 403);
  assert.equal(await try_("/v1/tokens/narrow/rotate", {}), 403);
  assert.equal(await try_("/v1/people", { name: "friend", role: "admin" }), 403);
  // A runner of a site has a hand in all apps there.
  assert.equal(await try_("/v1/enrolments", { site: "seoul" }), 403);
  assert.equal(await try_("/v1/runners/seoul-1/renew-key", {}), 403);
  assert.equal(await try_("/v1/runners/seoul-1/readmit", {}), 403);
  assert.equal((await portal.ask("/v1/runners/seoul-1", { method: "DELETE", token })).status, 403);
  assert.equal((await portal.ask("/v1/sites", { token })).status, 200);
  // A session that it opens is as narrow, and ends with it.
  const link = (await (await portal.ask("/v1/sign-in-links", { method: "POST", token, json: {} })).json()) as {
    url: string;
  };
  const opened = await fetch(link.url, { redirect: "manual" });
  const headers = {
    cookie: opened.headers.get("set-cookie")?.split(";")[0] ?? "",
    "sec-fetch-site": "same-origin",
  };
  assert.equal((await portal.ask("/v1/me", { token: null, headers })).status, 200);
  assert.equal((await own(headers, { name: "wide" })).status, 403);
  assert.equal(
    (await portal.ask("/v1/tokens", { method: "POST", token: null, headers, json: { name: "w", role: "admin" } }))
      .status,
    403,
  );
  await portal.ask("/v1/me/tokens/narrow", { method: "DELETE", token: null, headers: cyd });
  assert.equal((await portal.ask("/v1/me", { token: null, headers })).status, 401);
});

test("a scoped token sees and ends no other token and no session of its owner, and leaves accounts alone", async () => {
  const eve = await signedIn("eve", "admin");
  await signedIn("fay", "viewer");
  const secretOf = async (json: object) => ((await (await own(eve, json)).json()) as Token).token;
  const wide = await secretOf({ name: "deploys" });
  const narrow = await secretOf({ name: "dashboard", scope: { verbs: ["view"], apps: ["orders"] } });
  const ofApp = await secretOf({ name: "of-app", scope: { apps: ["orders"] } });
  type Items = { items: { id: string; name: string }[] };
  const listed = async (path: string, as: object) => ((await (await portal.ask(path, as)).json()) as Items).items;
  const sessions = await listed("/v1/me/sessions", { token: null, headers: eve });
  for (const token of [narrow, ofApp]) {
    const status = async (method: string, path: string, json?: object) =>
      (await portal.ask(path, { method, token, ...(json ? { json } : {}) })).status;
    assert.deepEqual(await listed("/v1/me/sessions", { token }), []);
    assert.deepEqual((await listed("/v1/me/tokens", { token })).length, 1);
    assert.equal(await status("DELETE", `/v1/me/sessions/${sessions[0]?.id}`), 404);
    assert.equal(await status("DELETE", "/v1/me/tokens/deploys"), 403);
    assert.equal(await status("POST", "/v1/me/password", { old: PASSWORD, new: "another long password" }), 403);
    assert.equal(await status("DELETE", "/v1/tokens/deploys?owner=eve"), 403);
    assert.equal(await status("POST", "/v1/people/fay/disable", {}), 403);
    assert.equal(await status("DELETE", "/v1/people/fay"), 403);
    assert.equal(await status("DELETE", "/v1/people/fay/sessions"), 403);
    assert.equal(await status("GET", "/v1/people/fay/sessions"), 403);
  }
  assert.equal((await portal.ask("/v1/me", { token: null, headers: eve })).status, 200);
  assert.equal(await roleOf(wide), "eve admin");
  assert.equal((await portal.ask("/v1/me/tokens/dashboard", { method: "DELETE", token: narrow })).status, 204);
  assert.equal(await roleOf(narrow), 401);
});

test("a rotated token is valid with both secrets for a while, but never longer than before", async () => {
  const create = await portal.ask("/v1/tokens", { method: "POST", json: { name: "ci", role: "viewer", days: 1 } });
  const first = (await create.json()) as Token;
  const rotate = async (json: object): Promise<Token> =>
    (await (await portal.ask("/v1/tokens/ci/rotate", { method: "POST", json })).json()) as Token;
  const second = await rotate({ overlapMinutes: 60 });
  assert.deepEqual([await roleOf(first.token), await roleOf(second.token)], ["ci viewer", "ci viewer"]);
  nowMs += 59 * MINUTE;
  assert.equal(await roleOf(first.token), "ci viewer");
  nowMs += MINUTE + 1;
  assert.deepEqual([await roleOf(first.token), await roleOf(second.token)], [401, "ci viewer"]);
  // Its day begins with the rotation.
  nowMs += 22.5 * 60 * MINUTE;
  assert.equal(await roleOf(second.token), "ci viewer");
  const third = await rotate({ overlapMinutes: 7 * 24 * 60 });
  nowMs += 60 * MINUTE;
  assert.deepEqual([await roleOf(second.token), await roleOf(third.token)], [401, "ci viewer"]);
  const [fourth, fifth] = [await rotate({ overlapMinutes: 60 }), await rotate({ overlapMinutes: 60 })];
  assert.deepEqual(await Promise.all([third, fourth, fifth].map(({ token }) => roleOf(token))), [
    401,
    "ci viewer",
    "ci viewer",
  ]);
  assert.equal((await portal.ask("/v1/tokens/ci", { method: "DELETE" })).status, 204);
  assert.deepEqual(await Promise.all([fourth, fifth].map(({ token }) => roleOf(token))), [401, 401]);
});

test("the last use is known to the minute, and using a token does not undo its revocation", async () => {
  const { token } = (await (
    await portal.ask("/v1/tokens", { method: "POST", json: { name: "used", role: "viewer" } })
  ).json()) as Token;
  const lastUse = async (): Promise<string | undefined> => {
    const { items } = (await (await portal.ask("/v1/tokens")).json()) as { items: Token[] };
    return items.find(({ name }) => name === "used")?.lastUsedAt;
  };
  assert.equal(await lastUse(), undefined);
  await me(token);
  const first = await lastUse();
  assert.equal(Math.floor(Date.parse(first ?? "") / MINUTE), Math.floor(nowMs / MINUTE));
  nowMs += 30_000;
  await me(token);
  assert.equal(await lastUse(), first);
  nowMs += 40_000;
  await me(token);
  assert.notEqual(await lastUse(), first);
  nowMs += 2 * MINUTE;
  const uses = Array.from({ length: 20 }, () => me(token));
  await portal.ask("/v1/tokens/used", { method: "DELETE" });
  await Promise.all(uses);
  assert.equal(await roleOf(token), 401);
});

test("a token expires at its second, and cannot be made for longer than the maximum", async () => {
  const make = (days: number): Promise<Response> =>
    portal.ask("/v1/tokens", { method: "POST", json: { name: "short", role: "viewer", days } });
  assert.match(await (await make(101)).text(), /at most 100 days/);
  const { token } = (await (await make(1)).json()) as Token;
  nowMs += 24 * 60 * MINUTE - 10;
  assert.equal(await roleOf(token), "short viewer");
  nowMs += 20;
  assert.equal(await roleOf(token), 401);
});
