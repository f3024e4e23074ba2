// Local accounts through the front door: activation, sign-in, lockout, password change, reset, disabling.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { clockAt, startTestPortal, type TestPortal } from "../portal.fixture.ts";
import { makePasswords } from "./passwords.ts";

const HOUR = 3_600_000;
const PASSWORD = "four quiet green llamas";
let nowMs = 1_800_000_000_000;
const clock = clockAt(() => nowMs);

let portal: TestPortal;
before(async () => {
  portal = await startTestPortal({ trustedProxies: 1 }, { clock });
});
after(() => portal.close());

const own = { "sec-fetch-site": "same-origin" };
const as = (cookie: string | undefined): { token: null; headers: Record<string, string> } => ({
  token: null,
  headers: { ...own, ...(cookie === undefined ? {} : { cookie }) },
});

function submit(path: string, fields: Record<string, string>, address = "192.0.2.1"): Promise<Response> {
  return portal.ask(path, {
    method: "POST",
    token: null,
    body: new URLSearchParams(fields).toString(),
    headers: { ...own, "content-type": "application/x-www-form-urlencoded", "x-forwarded-for": address },
    redirect: "manual",
  });
}

async function signIn(name: string, password = PASSWORD, address?: string): Promise<string | undefined> {
  const answer = await submit("/sign-in/password", { name, password }, address);
  return answer.headers.get("set-cookie")?.split(";")[0];
}

async function add(name: string, more: object = {}): Promise<string> {
  const answer = await portal.ask("/v1/people", { method: "POST", json: { name, ...more } });
  assert.equal(answer.status, 201, await answer.clone().text());
  const { activation } = (await answer.json()) as { activation: { url: string } };
  return new URL(activation.url).searchParams.get("code") ?? "";
}

const activate = (code: string, password = PASSWORD, repeated = password): Promise<Response> =>
  submit("/sign-in/activate", { code, password, repeated });

async function addActive(name: string, more: object = {}): Promise<void> {
  assert.equal((await activate(await add(name, more))).status, 303);
}

const meStatus = async (cookie: string | undefined): Promise<number> => (await portal.ask("/v1/me", as(cookie))).status;
const change = (path: string, method = "POST", json?: object): Promise<Response> =>
  portal.ask(path, { method, ...(json ? { json } : method === "POST" ? { json: {} } : {}) });

test("the first sign-in sets the password; the link works once", async () => {
  const code = await add("dana", { displayName: "Dana Kim", role: "developer", groups: ["web"] });
  assert.equal(await signIn("dana"), undefined);
  assert.match(await (await portal.ask(`/sign-in/activate?code=${code}`, { token: null })).text(), /name.* is dana/);
  assert.match(await (await activate(code, "short")).text(), /at least 12 characters/);
  assert.match(await (await activate(code, "dana dana dana")).text(), /too easy to guess/);
  assert.match(await (await activate(code, PASSWORD, "another password")).text(), /not the same/);
  const done = await activate(code);
  assert.equal(done.status, 303);
  assert.match(await (await portal.ask(done.headers.get("location") ?? "", { token: null })).text(), /password is set/);
  assert.equal((await activate(code, "another good password")).status, 401);
  const cookie = await signIn("Dana");
  const me = (await (await portal.ask("/v1/me", as(cookie))).json()) as { name: string; role: string };
  assert.deepEqual([me.name, me.role], ["dana", "developer"]);
  const list = await (await portal.ask("/v1/people")).text();
  assert.match(list, /"name":"dana","displayName":"Dana Kim".*"state":"active"/);
  assert.doesNotMatch(list, /scrypt/);
});

test("of two browsers with one activation link, one sets the password", async () => {
  const code = await add("ed");
  const answers = await Promise.all([activate(code, "the first password"), activate(code, "the second password")]);
  const late = await activate(code, "the third password");
  assert.deepEqual(answers.map(({ status }) => status).sort(), [303, 401]);
  const loser = answers.find(({ status }) => status === 401);
  assert.equal(await loser?.text(), await late.text(), "the answer does not depend on how close the race was");
});

test("an activation link expires, and a newer one replaces it", async () => {
  const first = await add("eve");
  const { url } = (await (await change("/v1/people/eve/reset")).json()) as { url: string };
  assert.equal((await activate(first)).status, 401);
  nowMs += 72 * HOUR + 1;
  assert.equal((await activate(new URL(url).searchParams.get("code") ?? "")).status, 401);
});

test("a name belongs to one person or token only", async () => {
  await portal.tokenOf("viewer", "robot");
  assert.equal((await change("/v1/people", "POST", { name: "robot" })).status, 400);
  assert.equal((await change("/v1/people", "POST", { name: "admin" })).status, 400);
  await add("fay");
  assert.equal((await change("/v1/people", "POST", { name: "fay" })).status, 400);
  assert.equal((await change("/v1/tokens", "POST", { name: "fay", role: "viewer" })).status, 400);
});

test("unknown, disabled and invited accounts and wrong passwords get the same answer", async () => {
  await addActive("gil");
  await addActive("gus");
  await add("guy");
  await change("/v1/people/gus/disable");
  const answers = await Promise.all(
    [
      ["gil", "a wrong password"],
      ["gus", PASSWORD],
      ["guy", PASSWORD],
      ["nobody", PASSWORD],
      ["no such name!", PASSWORD],
      ["a:gil", PASSWORD],
    ].map(async ([name = "", password = ""], at) => {
      const answer = await submit("/sign-in/password", { name, password }, `192.0.2.${10 + at}`);
      return [answer.status, await answer.text()];
    }),
  );
  assert.equal(answers[0]?.[0], 401);
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
});

test("after a wrong token the form for tokens is open, with the problem in it", async () => {
  const code = await add("tess");
  await submit("/sign-in/activate", { code, password: PASSWORD, repeated: PASSWORD });
  const page = await (await submit("/sign-in", { token: "gantry_pat_wrong", next: "/" })).text();
  assert.match(page, /<details open>.*<p class="problem" role="alert">.*is unknown.*id="token"/s);
  assert.equal(page.match(/role="alert"/g)?.length, 1);
  const other = await (await submit("/sign-in/password", { name: "tess", password: "wrong" })).text();
  assert.match(other, /<p class="problem" role="alert">.*id="password".*<details>/s);
});

test("guessing gets slower, also for names that do not exist and many tries at once", async () => {
  await addActive("hal");
  for (const name of ["hal", "nobody-hal"]) {
    const tries = Array.from({ length: 12 }, (_, at) =>
      submit("/sign-in/password", { name, password: `wrong password ${at}` }, `198.51.100.${at}`),
    );
    const states = (await Promise.all(tries)).map(({ status }) => status);
    assert.equal(states.filter((status) => status === 401).length, 5, name);
    assert.equal(states.filter((status) => status === 429).length, 7, name);
  }
  const paused = await submit("/sign-in/password", { name: "hal", password: PASSWORD }, "198.51.100.99");
  assert.equal(paused.status, 429);
  assert.ok(Number(paused.headers.get("retry-after")) >= 1);
  nowMs += 2_000;
  assert.notEqual(await signIn("hal", PASSWORD, "198.51.100.99"), undefined);
});

test("an attacker elsewhere cannot keep the owner of an account out", async () => {
  await addActive("ian");
  assert.notEqual(await signIn("ian", PASSWORD, "203.0.113.5"), undefined);
  for (let tries = 0; tries < 8; tries += 1) {
    await submit("/sign-in/password", { name: "ian", password: "wrong" }, "203.0.113.66");
  }
  assert.equal((await submit("/sign-in/password", { name: "ian", password: PASSWORD }, "203.0.113.77")).status, 429);
  assert.notEqual(await signIn("ian", PASSWORD, "203.0.113.5"), undefined);
});

test("one address cannot try many names", async () => {
  const states: number[] = [];
  for (let at = 0; at < 52; at += 1) {
    states.push((await submit("/sign-in/password", { name: `victim-${at}`, password: "p" }, "203.0.113.9")).status);
  }
  assert.deepEqual([states[49], states.at(-1)], [401, 429]);
});

test("changing the password needs the old one and ends every session", async () => {
  await addActive("kim");
  const [one, two] = [await signIn("kim"), await signIn("kim")];
  const put = (old: string, next: string): Promise<Response> =>
    portal.ask("/v1/me/password", { method: "POST", json: { old, new: next }, ...as(one) });
  const wrong = await put("not the password", "a completely new password");
  assert.deepEqual([wrong.status, ((await wrong.json()) as { code: string }).code], [401, "password-wrong"]);
  assert.equal((await put(PASSWORD, "short")).status, 400);
  assert.equal((await put(PASSWORD, "a completely new password")).status, 204);
  assert.deepEqual([await meStatus(one), await meStatus(two)], [401, 401]);
  assert.equal(await signIn("kim"), undefined);
  assert.equal(await meStatus(await signIn("kim", "a completely new password")), 200);
});

test("a reset by an administrator ends sessions and personal tokens; nobody else can reset", async () => {
  await addActive("lee");
  const cookie = await signIn("lee");
  const made = await portal.ask("/v1/me/tokens", { method: "POST", json: { name: "laptop" }, ...as(cookie) });
  const { token } = (await made.json()) as { token: string };
  assert.equal((await portal.ask("/v1/me", { token })).status, 200);
  for (const who of [null, await portal.tokenOf("developer", "dev"), token]) {
    const answer = await portal.ask("/v1/people/lee/reset", { method: "POST", json: {}, token: who, headers: own });
    assert.equal(answer.status, who === null ? 401 : 403);
  }
  const { url } = (await (await change("/v1/people/lee/reset")).json()) as { url: string };
  assert.deepEqual([await meStatus(cookie), (await portal.ask("/v1/me", { token })).status], [401, 401]);
  assert.equal(await signIn("lee"), undefined);
  await activate(new URL(url).searchParams.get("code") ?? "", "the next good password");
  assert.equal((await portal.ask("/v1/me", { token })).status, 401);
  assert.equal(await meStatus(await signIn("lee", "the next good password")), 200);
});

test("a disabled person is out at once, and back after being enabled, without the old sessions", async () => {
  await addActive("max");
  const cookie = await signIn("max");
  const made = await portal.ask("/v1/me/tokens", { method: "POST", json: { name: "laptop" }, ...as(cookie) });
  const { token } = (await made.json()) as { token: string };
  await change("/v1/people/max/disable");
  assert.deepEqual([await meStatus(cookie), (await portal.ask("/v1/me", { token })).status], [401, 401]);
  assert.equal(await signIn("max"), undefined);
  await change("/v1/people/max/enable");
  assert.deepEqual([await meStatus(cookie), (await portal.ask("/v1/me", { token })).status], [401, 401]);
  assert.equal(await meStatus(await signIn("max")), 200);
  assert.equal((await change("/v1/people/max", "DELETE")).status, 204);
  assert.equal(await signIn("max"), undefined);
  assert.equal((await change("/v1/people/max/enable")).status, 404);
});

test("a flood of sign-ins is refused, and the real cost of a password is 32 MiB", async () => {
  const passwords = makePasswords();
  const stored = await passwords.hash(PASSWORD);
  assert.match(stored, /^scrypt\$15\$8\$3\$/);
  const cheap = makePasswords({ log2N: 10, r: 8, p: 1 });
  const flood = await Promise.allSettled(Array.from({ length: 80 }, () => cheap.verify("p", undefined)));
  assert.equal(flood.filter(({ status }) => status === "fulfilled").length, 52);
  assert.equal(await cheap.verify(PASSWORD, stored), true);
  assert.equal(await cheap.verify(PASSWORD.toUpperCase(), stored), false);
});
