// Sign-in with two issuers: the three cases of the design, choice of an issuer, refresh, sign-out, an issuer that is down.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { systemClock } from "@gantry/runtime/clock.ts";
import { freePort } from "@gantry/runtime/free-ports.ts";
import { type RunningPortal, startPortal } from "../main.ts";
import { readFrames, startTestPortal, take } from "../portal.fixture.ts";
import { fillIn, makeBrowser, me, plainText, type Sites, signIn, startSites } from "./sso.fixture.ts";

const WAIT = { interval: 50, timeout: 60_000 };

let sites: Sites;
before(async () => {
  sites = await startSites({ refreshMinutes: 0.000_01 });
});
after(() => sites.close());

test("case 1: a user of Seoul signs in at Seoul's address", async () => {
  const browser = makeBrowser();
  const page = await browser.open(`${sites.seoulUrl}/sign-in?next=/docs`);
  assert.match(page.text, /href="\/sign-in\/with\/seoul\?next=%2Fdocs">Sign in with Seoul</);
  assert.doesNotMatch(page.text, /Tokyo/);
  const end = await signIn(browser, sites.seoulUrl, "seoul", "ann");
  assert.equal(end.url.href, `${sites.seoulUrl}/docs`);
  assert.deepEqual(await me(browser, sites.seoulUrl).then((one) => [one?.name, one?.role]), ["seoul:ann", "developer"]);
});

test("case 2: a user of Seoul signs in at Tokyo's address, where Tokyo's issuer asks Seoul's", async () => {
  const browser = makeBrowser();
  const login = await browser.open(`${sites.tokyoUrl}/sign-in/with/tokyo?next=/docs`);
  assert.equal(login.url.origin, sites.tokyo.url);
  const broker = /href="(\/broker[^"]*)"/.exec(login.text)?.[1] ?? "";
  const other = await browser.open(new URL(plainText(broker), login.url).href);
  assert.equal(other.url.origin, sites.seoul.url);
  const end = await fillIn(browser, other, "ann");
  assert.equal(end.url.href, `${sites.tokyoUrl}/docs`);
  assert.deepEqual(await me(browser, sites.tokyoUrl).then((one) => [one?.name, one?.role]), [
    "tokyo:ann@seoul",
    "viewer",
  ]);
});

test("case 3: a user of Tokyo signs in at Tokyo's address; equal group names of two issuers are two groups", async () => {
  const browser = makeBrowser();
  const end = await signIn(browser, sites.tokyoUrl, "tokyo", "ben");
  assert.equal(end.url.href, `${sites.tokyoUrl}/docs`);
  // `seoul:admins` are administrators; `tokyo:admins` are nobody.
  assert.deepEqual(await me(browser, sites.tokyoUrl).then((one) => [one?.name, one?.role]), ["tokyo:ben", "viewer"]);
  const account = JSON.parse((await browser.send("GET", `${sites.tokyoUrl}/v1/me/account`)).text);
  assert.deepEqual([account.person.issuer, account.person.groups], ["tokyo", ["admins"]]);
});

test("a mail address chooses the issuer of its domain", async () => {
  const browser = makeBrowser();
  const page = await browser.open(`${sites.seoulUrl}/sign-in?mail=ben%40Tokyo.example`);
  assert.match(page.text, /Sign in with Tokyo/);
  assert.doesNotMatch(page.text, /Sign in with Seoul/);
  assert.match((await browser.open(`${sites.seoulUrl}/sign-in?mail=x%40nowhere`)).text, /No sign-in is configured/);
});

test("the Host header only selects a configured address", async () => {
  const answer = await sites.portal.ask("/sign-in/with/seoul", { token: null, redirect: "manual" });
  const redirect = new URL(answer.headers.get("location") ?? "").searchParams.get("redirect_uri");
  assert.equal(redirect, `${sites.seoulUrl}/sign-in/callback/seoul`);
});

test("changed groups take effect, and a user whom the issuer has disabled is out, without a new sign-in", async (t) => {
  const browser = makeBrowser();
  await signIn(browser, sites.seoulUrl, "seoul", "sam");
  assert.equal((await me(browser, sites.seoulUrl))?.role, "admin");
  const token = JSON.parse(
    (await browser.send("POST", `${sites.seoulUrl}/v1/me/tokens`, { name: "laptop" })).text,
  ).token;
  const roleOf = async (): Promise<string> =>
    ((await (await sites.portal.ask("/v1/me", { token })).json()) as { role: string }).role;
  assert.equal(await roleOf(), "admin");
  const sam = sites.seoul.people.get("sam");
  assert.ok(sam);
  const stream = await sites.portal.ask("/v1/events", { token, headers: { accept: "text/event-stream" } });
  sam.groups = ["developers"];
  await t.waitFor(async () => assert.equal((await me(browser, sites.seoulUrl))?.role, "developer"), WAIT);
  assert.equal(await roleOf(), "developer");
  // An open stream ends, so that its client opens another one with the rights of now.
  for await (const _ of stream.body ?? []);
  sam.isDisabled = true;
  await t.waitFor(async () => assert.equal(await me(browser, sites.seoulUrl), undefined), WAIT);
  sam.isDisabled = false;
});

test("an open stream ends when the groups of its person change, and shows nothing by the old ones", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-sso-"));
  t.after(() => rm(folder, { recursive: true }));
  const policy = join(folder, "policy.yaml");
  await writeFile(policy, "bindings:\n  - { role: viewer, groups: [seoul:web], apps: [orders] }\n");
  const own = await startSites({ defaultRole: "none", roles: [], refreshMinutes: 0.000_01 }, { access: { policy } });
  t.after(() => own.close());
  const browser = makeBrowser();
  await signIn(browser, own.seoulUrl, "seoul", "ann");
  const cookie = `gantry_session=${browser.cookies.get("127.0.0.1 gantry_session")}`;
  const { id } = own.portal.agent.addTask({ app: "orders" });
  const streams = await Promise.all(
    ["/v1/events", `/v1/tasks/${id}/events?after=1`].map(async (path) => {
      const headers = { cookie, accept: "text/event-stream" };
      return readFrames(await own.portal.ask(path, { token: null, headers }));
    }),
  );
  own.portal.agent.emit(id, "JobStarted");
  for (const stream of streams) assert.equal((await take(stream, 1)).length, 1);
  const ann = own.seoul.people.get("ann");
  assert.ok(ann);
  ann.groups = ["visitors"];
  const seen = async (): Promise<number> =>
    (await own.portal.ask(`/v1/tasks/${id}`, { token: null, headers: { cookie } })).status;
  await t.waitFor(async () => assert.equal(await seen(), 404), WAIT);
  own.portal.agent.emit(id, "JobEnded");
  for (const stream of streams) assert.deepEqual(await take(stream, 1), []);
});

test("a person whom an administrator has disabled cannot sign in by the issuer", async () => {
  const browser = makeBrowser();
  await signIn(browser, sites.seoulUrl, "seoul", "ann");
  await sites.portal.ask("/v1/people/seoul:ann/disable", { method: "POST", json: {} });
  assert.equal(await me(browser, sites.seoulUrl), undefined);
  const end = await signIn(makeBrowser(), sites.seoulUrl, "seoul", "ann");
  assert.equal(end.status, 403);
  assert.match(end.text, /an administrator has disabled seoul:ann/);
  await sites.portal.ask("/v1/people/seoul:ann/enable", { method: "POST", json: {} });
});

test("a username that the issuer has given to someone else does not open the old account", async () => {
  await signIn(makeBrowser(), sites.seoulUrl, "seoul", "ann");
  const ann = sites.seoul.people.get("ann");
  assert.ok(ann);
  sites.seoul.people.set("ann", { ...ann, sub: "another person" });
  const end = await signIn(makeBrowser(), sites.seoulUrl, "seoul", "ann");
  assert.equal(end.status, 403);
  assert.match(end.text, /seoul:ann was someone else before/);
  sites.seoul.people.set("ann", ann);
});

test("signing out ends the session here and at the issuer", async () => {
  const browser = makeBrowser();
  await signIn(browser, sites.seoulUrl, "seoul", "ann");
  const before = sites.seoul.sessionsOf("ann");
  const answer = await browser.send("POST", `${sites.seoulUrl}/sign-out`);
  const { next } = JSON.parse(answer.text) as { next: string };
  assert.equal(await me(browser, sites.seoulUrl), undefined);
  const end = await browser.open(next);
  assert.equal(end.url.href, `${sites.seoulUrl}/sign-in`);
  assert.equal(sites.seoul.sessionsOf("ann"), before - 1);
});

test("the issuer ends a session by back-channel logout; its streams end, and other people stay", async (t) => {
  // Refreshes are rare here: one could end the session before the issuer's request does.
  const own = await startSites();
  t.after(() => own.close());
  const [ann, sam] = [makeBrowser(), makeBrowser()];
  await signIn(ann, own.seoulUrl, "seoul", "ann");
  await signIn(sam, own.seoulUrl, "seoul", "sam");
  const cookie = ann.cookies.get("127.0.0.1 gantry_session");
  const stream = readFrames(
    await own.portal.ask("/v1/events", {
      token: null,
      headers: { cookie: `gantry_session=${cookie}`, accept: "text/event-stream" },
    }),
  );
  assert.deepEqual(await own.seoul.logOut("ann"), [200]);
  assert.deepEqual(await take(stream, 1), []);
  assert.equal(await me(ann, own.seoulUrl), undefined);
  assert.equal((await me(sam, own.seoulUrl))?.name, "seoul:sam");
  const audit = await own.portal.ask("/v1/audit?verb=logoutByIssuer");
  const { items } = (await audit.json()) as { items: { on?: object; status?: number }[] };
  assert.deepEqual([items[0]?.on, items[0]?.status], [{ issuer: "seoul", person: "seoul:ann" }, 200]);
});

test("an issuer that is down keeps nobody else out, is shown, and works again when it is back", async () => {
  const portal = await startTestPortal({
    signIn: {
      issuers: [{ id: "seoul", name: "Seoul", issuer: "http://127.0.0.1:9", clientId: "gantry" }],
    },
  });
  try {
    const browser = makeBrowser();
    const end = await browser.open(`${portal.url}/sign-in/with/seoul`);
    assert.equal(end.status, 503);
    assert.match(end.text, /The sign-in of Seoul cannot be reached/);
    assert.match((await browser.open(`${portal.url}/sign-in`)).text, /Seoul did not answer the last time/);
    assert.equal((await portal.ask("/v1/me")).status, 200);
  } finally {
    await portal.close();
  }
});

test("an outage of the issuer does not end sessions", async (t) => {
  const browser = makeBrowser();
  await signIn(browser, sites.seoulUrl, "seoul", "sam");
  sites.seoul.faults.add({ kind: "status", status: 503, match: "POST /token", times: 1_000 });
  const failed = (): number => sites.portal.lines.filter((line) => "person" in line && "err" in line).length;
  await t.waitFor(() => assert.ok(failed() > 2), WAIT);
  sites.seoul.faults.clear();
  assert.equal((await me(browser, sites.seoulUrl))?.name, "seoul:sam");
});

test("nothing in the journal of the portal opens a session at the issuer", async () => {
  const browser = makeBrowser();
  await signIn(browser, sites.seoulUrl, "seoul", "sam");
  const dump = await sites.portal.journalText();
  assert.match(dump, /"sealed":/);
  assert.doesNotMatch(dump, /eyJ[\w-]+\.|refresh_token|refreshToken/);
});

test("after a restart, a session is asked about at the issuer before its first request is answered", async () => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-restart-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  sites.seoul.clients.push({
    id: "restarted",
    secret: "secret of the restarted",
    redirectUris: [`${url}/sign-in/callback/seoul`],
    postLogoutUris: [],
  });
  const start = (): Promise<RunningPortal> =>
    startPortal({
      port,
      dataDir: dir,
      logLevel: "silent",
      agent: { url: sites.portal.agent.url, token: sites.portal.agent.token },
      signIn: {
        issuers: [
          {
            id: "seoul",
            name: "Seoul",
            issuer: sites.seoul.url,
            clientId: "restarted",
            clientSecret: "secret of the restarted",
          },
        ],
        roles: [{ group: "seoul:admins", role: "admin" }],
      },
    });
  const sam = sites.seoul.people.get("sam");
  assert.ok(sam);
  const [one, two] = [makeBrowser(), makeBrowser()];
  let portal = await start();
  try {
    for (const browser of [one, two]) await signIn(browser, url, "seoul", "sam");
    assert.equal((await me(one, url))?.role, "viewer");
    await portal.close();
    sam.groups = ["admins"];
    portal = await start();
    assert.equal((await me(one, url))?.role, "admin");
    sam.isDisabled = true;
    assert.equal(await me(two, url), undefined);
    // The other session was asked about a moment ago.
    assert.equal((await me(one, url))?.name, "seoul:sam");
  } finally {
    sam.isDisabled = false;
    await portal.close();
    await rm(dir, { recursive: true });
  }
});

test("a personal token ends when the issuer has not confirmed its owner for 30 days", async () => {
  let laterMs = 0;
  const clock = { ...systemClock, nowMs: () => Date.now() + laterMs };
  const old = await startSites({}, { clock });
  try {
    const browser = makeBrowser();
    await signIn(browser, old.seoulUrl, "seoul", "ann");
    const made = await browser.send("POST", `${old.seoulUrl}/v1/me/tokens`, { name: "laptop", days: 90 });
    const { token } = JSON.parse(made.text) as { token: string };
    const status = async (): Promise<number> => (await old.portal.ask("/v1/me", { token })).status;
    // The issuer confirms nobody meanwhile.
    old.seoul.faults.add({ kind: "status", status: 503, match: "POST /token", times: 1_000 });
    laterMs = 29 * 86_400_000;
    assert.equal(await status(), 200);
    laterMs = 31 * 86_400_000;
    assert.equal(await status(), 401);
    old.seoul.faults.clear();
    await signIn(browser, old.seoulUrl, "seoul", "ann");
    assert.equal(await status(), 200);
  } finally {
    await old.close();
  }
});
