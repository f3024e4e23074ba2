// A session ends everything that was made from it: sign-in links, sessions from them, open streams.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { readFrames, startTestPortal, type TestPortal, take } from "../portal.fixture.ts";

let portal: TestPortal;
before(async () => {
  portal = await startTestPortal();
});
after(() => portal.close());

const as = (cookie: string | undefined): { token: null; headers: Record<string, string> } => ({
  token: null,
  headers: { "sec-fetch-site": "same-origin", ...(cookie === undefined ? {} : { cookie }) },
});
const open = async (link: string): Promise<string | undefined> =>
  (await fetch(link, { redirect: "manual" })).headers.get("set-cookie")?.split(";")[0];
const linkFrom = async (who: { token?: string | null; headers?: Record<string, string> }): Promise<string> =>
  ((await (await portal.ask("/v1/sign-in-links", { method: "POST", json: {}, ...who })).json()) as { url: string }).url;
const status = async (cookie: string | undefined): Promise<number> => (await portal.ask("/v1/me", as(cookie))).status;
const signOut = (cookie: string | undefined): Promise<Response> =>
  portal.ask("/sign-out", { method: "POST", ...as(cookie) });

test("signing out ends sign-in links and sessions that were made from the session", async () => {
  const first = await open(await portal.createSignInLink({ name: "ada", role: "developer" }));
  const unused = await linkFrom(as(first));
  const second = await open(await linkFrom(as(first)));
  const third = await open(await linkFrom(as(second)));
  const other = await open(await portal.createSignInLink({ name: "ada", role: "developer" }));
  assert.deepEqual([await status(second), await status(third)], [200, 200]);
  await signOut(first);
  assert.equal(await open(unused), undefined);
  assert.deepEqual([await status(first), await status(second), await status(third)], [401, 401, 401]);
  assert.equal(await status(other), 200);
});

test("a chain of sessions from links has a limited length", async () => {
  let cookie = await open(await portal.createSignInLink({ name: "bob", role: "viewer" }));
  for (let depth = 1; depth <= 5; depth += 1) cookie = await open(await linkFrom(as(cookie)));
  assert.equal(await status(cookie), 200);
  const answer = await portal.ask("/v1/sign-in-links", { method: "POST", json: {}, ...as(cookie) });
  assert.equal(answer.status, 400);
});

test("open streams end with a sign-out, of the session and of those made from it", async () => {
  const first = await open(await portal.createSignInLink({ name: "cyd", role: "viewer" }));
  const second = await open(await linkFrom(as(first)));
  const other = await open(await portal.createSignInLink({ name: "cyd", role: "viewer" }));
  const streamOf = async (cookie: string | undefined): Promise<ReturnType<typeof readFrames>> => {
    const { headers, ...rest } = as(cookie);
    const answer = await portal.ask("/v1/events", { ...rest, headers: { ...headers, accept: "text/event-stream" } });
    assert.equal(answer.status, 200);
    return readFrames(answer);
  };
  const streams = [await streamOf(first), await streamOf(second)];
  const stays = await streamOf(other);
  const started = performance.now();
  await signOut(first);
  for (const stream of streams) assert.deepEqual(await take(stream, 1), []);
  // The regular check comes after 30 s only.
  assert.ok(performance.now() - started < 25_000);
  portal.agent.emit(portal.agent.addTask().id, "Moved");
  assert.equal((await take(stays, 1)).length, 1);
  await stays.return(undefined);
});

test("a request that waits for events is answered 401 when its session has ended meanwhile", async () => {
  const cookie = await open(await portal.createSignInLink({ name: "dov", role: "viewer" }));
  const task = portal.agent.addTask();
  const { last } = (await (await portal.ask(`/v1/tasks/${task.id}/events`, as(cookie))).json()) as { last: number };
  const waiting = portal.ask(`/v1/tasks/${task.id}/events?after=${last}&wait=20000`, as(cookie));
  // Whether it has reached the portal by then or not, its answer has no events.
  await signOut(cookie);
  portal.agent.emit(task.id, "Moved");
  assert.equal((await waiting).status, 401);
});

test("a new token with the name of a revoked one does not bring old sessions back", async () => {
  const token = await portal.tokenOf("viewer", "phone");
  const cookie = await open(await linkFrom({ token }));
  const unused = await linkFrom({ token });
  assert.equal(await status(cookie), 200);
  await portal.ask("/v1/tokens/phone", { method: "DELETE" });
  await portal.tokenOf("viewer", "phone");
  assert.equal(await status(cookie), 401);
  assert.equal(await open(unused), undefined);
});

test("a rotation without overlap ends links, sessions and streams of the old secret", async () => {
  const old = await portal.tokenOf("viewer", "leaked");
  const cookie = await open(await linkFrom({ token: old }));
  const below = await open(await linkFrom(as(cookie)));
  const unused = await linkFrom({ token: old });
  const form = { method: "POST", body: new URLSearchParams({ token: old }).toString(), redirect: "manual" } as const;
  const typed = await portal.ask("/sign-in", {
    ...form,
    token: null,
    headers: { "sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded" },
  });
  const byForm = typed.headers.get("set-cookie")?.split(";")[0];
  const stream = readFrames(await portal.ask("/v1/events", { token: old, headers: { accept: "text/event-stream" } }));
  const rotate = async (overlapMinutes: number): Promise<string> => {
    const json = { overlapMinutes };
    const answer = await portal.ask("/v1/tokens/leaked/rotate", { method: "POST", json });
    return ((await answer.json()) as { token: string }).token;
  };
  const fresh = await rotate(60);
  assert.deepEqual([await status(cookie), await status(below), await status(byForm)], [200, 200, 200]);
  const kept = await open(await linkFrom({ token: fresh }));
  await rotate(60);
  assert.deepEqual([await status(cookie), await status(below), await status(byForm)], [401, 401, 401]);
  assert.equal(await open(unused), undefined);
  assert.deepEqual(await take(stream, 1), []);
  assert.equal(await status(kept), 200, "of the secret that is still valid");
  await rotate(0);
  assert.equal(await status(kept), 401);
});

test("own sessions are listed with where they come from, and ended one by one; those of others are not found", async () => {
  const one = await open(await portal.createSignInLink({ name: "eli", role: "viewer" }));
  const two = await open(await portal.createSignInLink({ name: "eli", role: "viewer" }));
  const foreign = await open(await portal.createSignInLink({ name: "eliza", role: "viewer" }));
  type Listed = { items: { id: string; isCurrent: boolean; signIn: string; address: string; userAgent: string }[] };
  const list = async (cookie: string | undefined): Promise<Listed["items"]> =>
    ((await (await portal.ask("/v1/me/sessions", as(cookie))).json()) as Listed).items;
  const mine = await list(one);
  assert.deepEqual(
    mine.map(({ isCurrent, signIn, address }) => [isCurrent, signIn, address]),
    [
      [false, "link", "127.0.0.1"],
      [true, "link", "127.0.0.1"],
    ],
  );
  const end = (cookie: string | undefined, id: string | undefined): Promise<Response> =>
    portal.ask(`/v1/me/sessions/${id}`, { method: "DELETE", ...as(cookie) });
  assert.equal((await end(foreign, mine[0]?.id)).status, 404);
  assert.equal((await end(one, mine[0]?.id)).status, 204);
  assert.deepEqual([await status(one), await status(two)], [200, 401]);
  assert.equal((await list(one)).length, 1);
});

test("an administrator ends all sessions of a person", async () => {
  await portal.ask("/v1/people", { method: "POST", json: { name: "flo" } });
  assert.equal((await portal.ask("/v1/people/flo/sessions", { method: "DELETE" })).status, 204);
  assert.equal((await portal.ask("/v1/people/nobody/sessions", { method: "DELETE" })).status, 404);
});

test("on https the cookie has the prefix __Host-, and a plain one is not accepted", async () => {
  const secure = await startTestPortal({ publicUrl: "https://gantry.example", publicUrls: ["http://gantry.local"] });
  try {
    const link = await secure.createSignInLink({ name: "ada", role: "viewer" });
    assert.match(link, /^https:\/\/gantry\.example\//);
    const answer = await fetch(secure.url + new URL(link).pathname + new URL(link).search, { redirect: "manual" });
    const cookie = answer.headers.get("set-cookie") ?? "";
    assert.match(cookie, /^__Host-gantry_session=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure$/);
    const value = cookie.split(";")[0] ?? "";
    assert.equal((await secure.ask("/v1/me", as(value))).status, 200);
    assert.equal((await secure.ask("/v1/me", as(value.replace("__Host-", "")))).status, 401);
  } finally {
    await secure.close();
  }
});
