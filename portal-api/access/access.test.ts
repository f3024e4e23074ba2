// Sign-in, tokens, sessions and cross-site requests, over HTTP.

import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { clockAt, startTestPortal, type TestPortal } from "../portal.fixture.ts";
import { isFromOwnPage, safeNext } from "./decide-access.ts";

const MINUTE = 60_000;
let nowMs = 1_800_000_000_000;
const clock = clockAt(() => nowMs);
let portal: TestPortal;

before(async () => {
  portal = await startTestPortal({ sessionHours: 1 }, { clock });
});
after(() => portal.close());

/** Follows a sign-in address as a browser would; the cookie, or undefined when it was refused. */
async function openLink(url: string): Promise<string | undefined> {
  const answer = await fetch(url, { redirect: "manual" });
  return cookieOf(answer);
}

function cookieOf(answer: Response): string | undefined {
  return answer.headers.get("set-cookie")?.split(";")[0];
}

const asBrowser = (cookie: string | undefined, headers: Record<string, string> = {}): Record<string, string> => ({
  ...(cookie === undefined ? {} : { cookie }),
  "sec-fetch-site": "same-origin",
  ...headers,
});

const me = (headers: Record<string, string>): Promise<Response> => portal.ask("/v1/me", { token: null, headers });

test("the administrator's token is in a file that only its owner can read", async () => {
  const file = join(portal.dir, "admin-token");
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await readFile(file, "utf8")).trim(), portal.adminToken);
  assert.match(portal.adminToken, /^gantry_pat_[\w-]{43}$/);
  assert.equal((await portal.ask("/v1/tokens/admin", { method: "DELETE" })).status, 400);
});

test("a token is shown once, expires, and can be revoked; its name can then be reused", async () => {
  const create = (days?: number): Promise<Response> =>
    portal.ask("/v1/tokens", { method: "POST", json: { name: "robot", role: "developer", days } });
  const { token } = (await (await create(2)).json()) as { token: string };
  assert.equal((await create()).status, 400);
  const list = await (await portal.ask("/v1/tokens")).text();
  assert.match(list, /"name":"robot"/);
  assert.doesNotMatch(list, new RegExp(token.slice(15)));
  assert.equal((await portal.ask("/v1/me", { token })).status, 200);

  nowMs += 2 * 24 * 60 * MINUTE + 1;
  assert.equal((await portal.ask("/v1/me", { token })).status, 401);
  const { token: second } = (await (await create()).json()) as { token: string };
  assert.equal((await portal.ask("/v1/tokens/robot", { method: "DELETE" })).status, 204);
  assert.equal((await portal.ask("/v1/me", { token: second })).status, 401);
  assert.equal((await portal.ask("/v1/tokens/robot", { method: "DELETE" })).status, 404);
});

test("a link that somebody else made signs no browser in before the person has seen as whom", async () => {
  const link = await portal.createSignInLink({ name: "mallory", role: "viewer" });
  const visit = (): Promise<Response> =>
    fetch(link, { redirect: "manual", headers: { accept: "text/html,*/*;q=0.8", "sec-fetch-site": "cross-site" } });
  for (const answer of [await visit(), await visit()]) {
    assert.deepEqual([answer.status, answer.headers.get("set-cookie")], [200, null]);
    assert.match(await answer.text(), /This link signs you in as mallory\./);
  }
  // A page of a neighbouring host loads it as a picture, a script, or by fetch; an old browser says only who it is.
  const loads: Record<string, string>[] = [
    { accept: "image/avif,image/webp,*/*;q=0.8", "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors" },
    { accept: "*/*", "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", origin: "https://evil.example" },
    { accept: "image/png,*/*", "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36" },
    { accept: "*/*", referer: "http://evil.example/" },
  ];
  for (const headers of loads) {
    const answer = await fetch(link, { redirect: "manual", headers });
    assert.deepEqual([answer.status, answer.headers.get("set-cookie")], [200, null], JSON.stringify(headers));
  }
  const confirm = (site: string): Promise<Response> =>
    fetch(`${portal.url}/sign-in/link`, {
      method: "POST",
      redirect: "manual",
      headers: { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": site },
      body: new URLSearchParams({ code: new URL(link).searchParams.get("code") ?? "", next: "/apps" }),
    });
  assert.equal((await confirm("cross-site")).status, 403);
  const done = await confirm("same-origin");
  assert.deepEqual([done.status, done.headers.get("location")], [303, "/apps"]);
  assert.match(done.headers.get("set-cookie") ?? "", /gantry_session=/);
  assert.equal((await confirm("same-origin")).status, 401);
});

test("a sign-in link signs in once, within 15 minutes", async () => {
  const link = await portal.createSignInLink({ name: "ada", role: "developer" });
  assert.equal((await fetch(link, { method: "HEAD" })).status, 200);
  const cookie = await openLink(link);
  const { may, mayNot, ...who } = (await (await me(asBrowser(cookie))).json()) as { may: string[]; mayNot: object };
  assert.ok(may.includes("run-cd") && !may.includes("approve") && "approve" in mayNot);
  assert.deepEqual(who, {
    name: "ada",
    role: "developer",
    via: "session",
    version: "0.1.0",
    feedUp: true,
  });
  assert.equal(await openLink(link), undefined);
  assert.match(await (await fetch(link)).text(), /has been used or has expired/);

  const late = await portal.createSignInLink({ name: "ada", role: "developer" });
  nowMs += 15 * MINUTE + 1;
  assert.equal(await openLink(late), undefined);
});

test("of many concurrent requests with one link, one is signed in", async () => {
  const link = await portal.createSignInLink({ name: "ada", role: "viewer" });
  const cookies = await Promise.all(Array.from({ length: 10 }, () => openLink(link)));
  assert.equal(cookies.filter((cookie) => cookie !== undefined).length, 1);
});

test("the session cookie is hidden from scripts and other sites, and expires by time or sign-out", async () => {
  const answer = await fetch(await portal.createSignInLink({ name: "ada", role: "viewer" }), { redirect: "manual" });
  assert.equal(answer.status, 303);
  assert.equal(answer.headers.get("location"), "/");
  assert.match(answer.headers.get("set-cookie") ?? "", /; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/);
  const cookie = cookieOf(answer);
  nowMs += 59 * MINUTE;
  assert.equal((await me(asBrowser(cookie))).status, 200);
  nowMs += MINUTE + 1;
  assert.equal((await me(asBrowser(cookie))).status, 401);

  const second = await openLink(await portal.createSignInLink({ name: "ada", role: "viewer" }));
  const out = await portal.ask("/sign-out", { method: "POST", token: null, headers: asBrowser(second) });
  assert.equal(out.status, 204);
  assert.match(out.headers.get("set-cookie") ?? "", /^gantry_session=; .*Max-Age=0/);
  assert.equal((await me(asBrowser(second))).status, 401);
});

test("the form accepts a token; the session ends when the token is revoked", async () => {
  const submit = (token: string, headers: Record<string, string> = {}): Promise<Response> =>
    portal.ask("/sign-in", {
      method: "POST",
      token: null,
      body: new URLSearchParams({ token, next: "/tasks/t1" }).toString(),
      headers: asBrowser(undefined, { "content-type": "application/x-www-form-urlencoded", ...headers }),
      redirect: "manual",
    });
  const wrong = await submit("gantry_pat_wrong");
  assert.equal(wrong.status, 401);
  assert.match(await wrong.text(), /is unknown/);

  const right = await submit(await portal.tokenOf("developer", "formal"));
  assert.deepEqual([right.status, right.headers.get("location")], [303, "/tasks/t1"]);
  const cookie = cookieOf(right);
  assert.equal((await me(asBrowser(cookie))).status, 200);
  await portal.ask("/v1/tokens/formal", { method: "DELETE" });
  assert.equal((await me(asBrowser(cookie))).status, 401);

  assert.equal((await submit(portal.adminToken, { "sec-fetch-site": "cross-site" })).status, 403);
});

test("a sign-in link is for the owner of the token", async () => {
  const token = await portal.tokenOf("viewer", "phone");
  const answer = await portal.ask("/v1/sign-in-links", { method: "POST", token });
  const { url } = (await answer.json()) as { url: string };
  assert.match(url, new RegExp(`^${portal.url}/sign-in\\?code=`));
  const cookie = await openLink(url);
  assert.equal(((await (await me(asBrowser(cookie))).json()) as { name: string }).name, "phone");
});

test("with a cookie, only pages of the portal may change something", async () => {
  const cookie = await openLink(await portal.createSignInLink({ name: "ada", role: "developer" }));
  const start = async (headers: Record<string, string>): Promise<number> => {
    const answer = await portal.ask("/v1/apps/orders/ci", {
      method: "POST",
      token: null,
      json: {},
      headers: { ...(cookie ? { cookie } : {}), "idempotency-key": crypto.randomUUID(), ...headers },
    });
    return answer.status;
  };
  assert.equal(await start({ "sec-fetch-site": "same-origin" }), 202);
  assert.equal(await start({ origin: portal.url }), 202);
  for (const headers of [
    {},
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "none" },
    { origin: "http://evil.example" },
    { origin: "null" },
    { origin: portal.url, "sec-fetch-site": "cross-site" },
  ]) {
    assert.equal(await start(headers as Record<string, string>), 403, JSON.stringify(headers));
  }
  assert.equal((await me({ ...(cookie ? { cookie } : {}), authorization: "Bearer wrong" })).status, 401);
});

test("a page that requires sign-in redirects there and back; a program gets a problem", async () => {
  const page = await portal.ask("/docs", { token: null, headers: { accept: "text/html" }, redirect: "manual" });
  assert.deepEqual([page.status, page.headers.get("location")], [302, "/sign-in?next=%2Fdocs"]);
  assert.equal((await portal.ask("/docs", { token: null })).status, 401);
});

test("sign-in never redirects to another site", () => {
  for (const next of ["//evil", "/\\evil", "https://evil", "javascript:alert(1)", "/a\r\nb", "", undefined, "/%0a b"]) {
    assert.equal(safeNext(next), "/");
  }
  assert.equal(safeNext("/tasks/t1?job=deploy[seoul]"), "/tasks/t1?job=deploy[seoul]");
  fc.assert(fc.property(fc.string(), (text) => new URL(safeNext(text), "http://portal").origin === "http://portal"));
});

test("a request counts as from our own page only when the browser says so", () => {
  const own = { secFetchSite: "", origin: "", ownOrigins: ["https://gantry.example", "http://portal:3000"] };
  assert.equal(isFromOwnPage({ ...own, origin: "https://gantry.example" }), true);
  assert.equal(isFromOwnPage({ ...own, origin: "http://portal:3000" }), true);
  assert.equal(isFromOwnPage({ ...own, origin: "https://gantry.example.evil" }), false);
  assert.equal(isFromOwnPage({ ...own, origin: "https://portal:3000" }), false, "another scheme is another site");
  assert.equal(isFromOwnPage({ ...own, origin: "null" }), false);
  assert.equal(isFromOwnPage(own), false);
});

/** Sends a request with any Host; `fetch` does not. Resolves with the status. */
function askAs(
  portal: TestPortal,
  host: string,
  { path, method = "GET", headers = {}, body }: AskedAs,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ port: portal.port, host: "127.0.0.1", path, method, headers: { ...headers, host } });
    sent.on("error", reject);
    sent.on("response", (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    sent.end(body);
  });
}
type AskedAs = {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Record<string, string> | undefined;
  readonly body?: string;
};

test("a page of another site whose name leads to the portal can try no password and reads nothing (DNS rebinding)", async (t) => {
  const portal = await startTestPortal({ publicUrl: "https://gantry.example", publicUrls: ["https://other.example"] });
  t.after(() => portal.close());
  const form = { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" };
  let accounts = 0;
  const tries = (headers: AskedAs["headers"] = form): AskedAs => {
    // Of one account, more tries would be delayed.
    accounts += 1;
    return {
      path: "/sign-in/password",
      method: "POST",
      headers,
      body: `name=boss-${accounts}&password=guessed+password`,
    };
  };
  for (const host of [
    "evil.example",
    "evil.example:3000",
    "gantry.example.evil",
    "localhost.evil.example",
    "1.2.3.999",
  ]) {
    assert.equal(await askAs(portal, host, tries()), 421, host);
    for (const path of ["/sign-in", "/", "/v1/me", "/portal.css", "/sign-in/with/any"])
      assert.equal(await askAs(portal, host, { path }), 421, `${host}${path}`);
    // Probes, git hosts and programs with a token call by names that the portal need not know.
    assert.equal(await askAs(portal, host, { path: "/readyz" }), 200);
    const authorization = `Bearer ${portal.adminToken}`;
    assert.equal(await askAs(portal, host, { path: "/v1/me", headers: { authorization } }), 200);
    assert.equal(await askAs(portal, host, { path: "/v1/me", headers: { authorization: "Bearer made-up" } }), 421);
  }
  for (const host of [
    "gantry.example",
    "GANTRY.example:443",
    "other.example",
    "localhost:9",
    "[::1]",
    "127.0.0.1",
    "192.0.2.7",
  ])
    assert.equal(await askAs(portal, host, tries()), 401, host);
  for (const host of ["[::1", "::1]", "[evil.example]", "[::1]x", "a:b", "127.0.0.1:99999", "[]", ":80"])
    assert.equal(await askAs(portal, host, tries()), 400, host);
  const origin = { ...form, "sec-fetch-site": "" };
  const from = (host: string, page: string): Promise<number> => askAs(portal, host, tries({ ...origin, origin: page }));
  assert.equal(await from("gantry.example", "https://gantry.example"), 401);
  assert.equal(await from("gantry.example", "http://gantry.example"), 403);
  assert.equal(await from("other.example", "https://other.example"), 401);
  assert.equal(await from("other.example", "http://other.example"), 403);
});

test("a page of the https neighbour is another site for a portal that speaks http", async (t) => {
  const portal = await startTestPortal();
  t.after(() => portal.close());
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const from = async (origin: string): Promise<number> => {
    const asked = { method: "POST", token: null, headers: { ...headers, origin }, body: "name=boss&password=guessed" };
    return (await portal.ask("/sign-in/password", asked)).status;
  };
  assert.equal(await from(portal.url), 401);
  assert.equal(await from(portal.url.replace("http:", "https:")), 403);
  assert.equal(await from(portal.url.replace("127.0.0.1", "localhost")), 403);
});
