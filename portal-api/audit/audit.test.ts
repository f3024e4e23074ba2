// The audit log through the front door: who changed what, what was refused, and what a flood leaves behind.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import type { AuditEntry } from "@gantry/wire/audit/entry.ts";
import { textOf } from "@gantry/wire/audit/entry.ts";
import { openVerifier } from "@gantry/wire/audit/verify.ts";
import { startTestPortal, type TestPortal } from "../portal.fixture.ts";
import { openAuditChain, SEGMENT } from "./chain.ts";
import { followAgent } from "./follow-agent.ts";

type Item = AuditEntry & { readonly result: string };

async function list(portal: TestPortal, query = ""): Promise<Item[]> {
  const answer = await portal.ask(`/v1/audit?${query}`);
  assert.equal(answer.status, 200, await answer.clone().text());
  return ((await answer.json()) as { items: Item[] }).items;
}

async function chainOf(portal: TestPortal): Promise<AuditEntry[]> {
  const all: AuditEntry[] = [];
  for (;;) {
    const answer = await portal.ask(`/v1/audit/entries?after=${all.at(-1)?.seq ?? 0}`);
    const { items } = (await answer.json()) as { items: AuditEntry[] };
    if (items.length === 0) return all;
    all.push(...items);
  }
}

async function started(t: { after: (run: () => Promise<void>) => void }): Promise<TestPortal> {
  const portal = await startTestPortal({ trustedProxies: 1, audit: { refusedChangesPerMinute: 20 } });
  t.after(() => portal.close());
  return portal;
}

test("who overrides a policy needs the right to, and the reason is in the audit log", async (t) => {
  const portal = await started(t);
  portal.agent.addPipeline({ name: "cd" });
  const tokens = await Promise.all(
    ["developer", "operator"].map(async (role) => {
      const answer = await portal.ask("/v1/tokens", { method: "POST", json: { name: `a-${role}`, role } });
      return ((await answer.json()) as { token: string }).token;
    }),
  );
  const cd = (token: string | undefined, json: object): Promise<Response> =>
    portal.ask("/v1/apps/orders/cd", {
      method: "POST",
      token: token ?? null,
      headers: { "idempotency-key": crypto.randomUUID() },
      json,
    });
  const override = { reason: "The shop is down." };
  const [developer, operator] = tokens;
  assert.equal((await cd(developer, {})).status, 202);
  const refused = await cd(developer, { override });
  assert.equal(refused.status, 403);
  assert.match(await refused.text(), /override-policy/);
  for (const wrong of [{ reason: " " }, { reason: "x".repeat(501) }, {}, null])
    assert.equal((await cd(operator, { override: wrong })).status, 400);
  assert.equal((await cd(operator, { override })).status, 202);
  const told = (await chainOf(portal)).filter(({ on }) => on?.override !== undefined);
  assert.deepEqual(
    told.map(({ kind, who, status, on }) => [kind, who?.name, status, on?.override]),
    [
      ["refused", "a-developer", 403, override.reason],
      ["intent", "a-operator", undefined, override.reason],
      ["done", "a-operator", 202, override.reason],
    ],
  );
});

test("a change is in the audit log with who, from where, what, definition and hash of the parameters", async (t) => {
  const portal = await started(t);
  const run = (params: object): Promise<Response> =>
    portal.ask("/v1/apps/orders/ci", {
      method: "POST",
      json: { params },
      headers: {
        "idempotency-key": crypto.randomUUID(),
        "user-agent": "gantry-cli/0.1.0",
        "x-forwarded-for": "evil, 10.1.2.3",
      },
    });
  await run({ ref: "hunter2" });
  await run({ ref: "hunter2" });
  const items = await list(portal, "app=orders");
  const [first, second] = items;
  assert.equal(items.length, 2);
  assert.deepEqual(first?.who, { name: "admin", role: "admin" });
  assert.equal(first?.from?.client, "cli");
  assert.equal(first?.from?.token, "admin");
  assert.equal(first?.from?.ip, "10.1.2.3", "what the trusted proxy saw, not what the client claims");
  assert.deepEqual([first?.route, first?.verb, first?.status, first?.result], ["runCi", "run CI", 202, "done"]);
  assert.deepEqual(first?.on, { app: "orders", task: "t2" });
  assert.deepEqual(first?.pipeline, { name: "ci", definition: "1" });
  assert.equal(first?.paramsHash, second?.paramsHash);
  assert.match(first?.paramsHash ?? "", /^[0-9a-f]{64}$/);
  assert.doesNotMatch(JSON.stringify(await chainOf(portal)), /hunter2|gantry_pat_/);
});

test("every intent comes before its outcome, and the chain is whole", async (t) => {
  const portal = await started(t);
  await Promise.all(
    Array.from({ length: 30 }, (_, n) =>
      portal.ask("/v1/tokens", { method: "POST", json: { name: `robot-${n}`, role: "viewer" } }),
    ),
  );
  const chain = await chainOf(portal);
  const verifier = openVerifier();
  for (const entry of chain) verifier.add(textOf(entry));
  const verdict = verifier.end();
  assert.deepEqual(verdict.ok && [verdict.entries, verdict.open], [60, []]);
  for (const { kind, of = 0, on, status } of chain) {
    if (kind !== "done") continue;
    assert.deepEqual(chain[of - 1]?.on, on);
    assert.equal(status, 201);
  }
});

test("refused requests are in the audit log: 401, 403, 404, 409, 413 and 429", async (t) => {
  const portal = await started(t);
  const developer = await portal.tokenOf("developer");
  portal.agent.end(portal.agent.addTask({ id: "t-over" }).id, "succeeded");
  const post = (path: string, token: string | null, body = "{}"): Promise<Response> =>
    portal.ask(path, {
      method: "POST",
      token,
      body,
      headers: { "content-type": "application/json", "idempotency-key": "k" },
    });
  const statuses = [
    await portal.ask("/v1/apps", { token: "gantry_pat_made_up" }),
    await post("/v1/tokens", developer),
    await post("/v1/tasks/t-foreign/cancel", developer),
    await post("/v1/tasks/t-over/cancel", developer),
    await post("/v1/apps", developer, JSON.stringify({ params: { name: "x".repeat(1_100_000) } })),
  ].map(({ status }) => status);
  assert.deepEqual(statuses, [401, 403, 404, 409, 413]);
  for (let n = 0; n < 25; n += 1) await post("/v1/tasks/t-foreign/cancel", developer);
  const refused = await list(portal, "result=refused");
  const of = (status: number): Item | undefined => refused.find((one) => one.status === status);
  assert.equal(of(401)?.code, "unauthenticated");
  assert.equal(of(401)?.who, undefined);
  assert.deepEqual([of(403)?.who?.name, of(403)?.route], ["a-developer", "createToken"]);
  assert.deepEqual(of(404)?.on, { task: "t-foreign" });
  assert.equal(of(409)?.code, "already-ended");
  assert.equal(of(413)?.code, "body-too-large");
  assert.equal(of(429)?.code, "limit-reached");
  assert.equal((await list(portal, "who=a-developer&verb=createToken")).length, 1);
  assert.equal((await list(portal, "who=a-developer&verb=create%20tokens")).length, 1);
});

test("a flood of refused requests is counted in few entries", async (t) => {
  const portal = await started(t);
  const before = (await chainOf(portal)).length;
  for (let n = 0; n < 200; n += 1) {
    const wrong = portal.ask(`/v1/tasks/t-${n}`, { token: `gantry_pat_${n}` });
    const foreign = portal.ask(`/v1/tasks/t-${n}`);
    const invalid = portal.ask("/v1/tokens", { method: "POST", json: { name: "NO", role: "root" } });
    assert.deepEqual([(await wrong).status, (await foreign).status, (await invalid).status], [401, 404, 400]);
  }
  assert.equal((await chainOf(portal)).length - before, 3);
});

test("nobody can flood the audit log so that it no longer tells who was refused", async (t) => {
  const portal = await started(t);
  const token = await portal.tokenOf("viewer", "quiet");
  // Strangers with many addresses.
  for (let n = 0; n < 210; n += 1) {
    const headers = { "x-forwarded-for": `203.0.113.${n}` };
    assert.equal((await portal.ask("/v1/settings", { token: `gantry_pat_${"x".repeat(43)}`, headers })).status, 401);
  }
  assert.equal((await portal.ask("/v1/settings", { token })).status, 403);
  const [newest] = await list(portal, "result=refused&who=quiet");
  assert.deepEqual([newest?.who?.name, newest?.status], ["quiet", 403]);
});

test("signing in with a link is in the audit log under the name of the person", async (t) => {
  const portal = await started(t);
  const url = await portal.createSignInLink({ name: "ada", role: "viewer" });
  await fetch(url, { redirect: "manual" });
  await fetch(url, { redirect: "manual" });
  const [refused, done] = await list(portal, "verb=showSignIn");
  assert.deepEqual([done?.who?.name, done?.status], ["ada", 303]);
  assert.deepEqual([refused?.who, refused?.status], [undefined, 401]);
});

test("a failed sign-in names the account that was tried, each once a minute, and never a password", async (t) => {
  const portal = await started(t);
  const tryName = (name: string): Promise<Response> =>
    fetch(`${portal.url}/sign-in/password`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" },
      body: new URLSearchParams({ name, password: "Tr0ub4dor&3" }),
    });
  for (const name of ["ada", "ben", "ada", "Correct horse battery"])
    assert.equal((await tryName(name)).status, 401, name);
  const tried = (await list(portal, "result=refused")).map(({ on, status }) => [on?.person, status]);
  assert.deepEqual(
    tried.toSorted(),
    [
      ["ada", 401],
      ["ben", 401],
      [undefined, 401],
    ].toSorted(),
  );
  assert.doesNotMatch(JSON.stringify(await chainOf(portal)), /Tr0ub4dor|[Cc]orrect horse/);
});

test("a refused change says what it was about", async (t) => {
  const portal = await started(t);
  const made = await portal.ask("/v1/tokens", { method: "POST", json: { name: "reader", role: "viewer" } });
  const { token } = (await made.json()) as { token: string };
  const start = { pipeline: "ci", app: "orders", params: {} };
  const headers = { "idempotency-key": "k" };
  assert.equal((await portal.ask("/v1/tasks", { method: "POST", token, headers, json: start })).status, 403);
  const [task] = await list(portal, "result=refused&who=reader");
  assert.deepEqual([task?.on?.pipeline, task?.on?.app], ["ci", "orders"]);
});

test("a refused request for an artifact says of which task, whatever its name is", async (t) => {
  const portal = await started(t);
  const [task, other] = ["t0000000020000000002", "t0000000030000000003"];
  const answer = await portal.ask(`/v1/tasks/${task}/jobs/build/artifacts/${other}/files`);
  assert.equal(answer.status, 404);
  const [entry] = await list(portal, "result=refused");
  assert.deepEqual(entry?.on, { task, job: "build", artifact: other });
});

test("entries are found by person, operation, app, time and result, page by page", async (t) => {
  const portal = await started(t);
  for (let n = 0; n < 5; n += 1)
    await portal.ask("/v1/tokens", { method: "POST", json: { name: `robot-${n}`, role: "viewer" } });
  const all = await list(portal);
  assert.deepEqual(
    all.map(({ on }) => on?.token),
    ["robot-4", "robot-3", "robot-2", "robot-1", "robot-0"],
  );
  const page = (await (await portal.ask("/v1/audit?limit=3")).json()) as { items: Item[]; nextCursor: string };
  const rest = await list(portal, `limit=3&cursor=${page.nextCursor}`);
  assert.deepEqual([...page.items, ...rest], all);
  assert.deepEqual(await list(portal, "until=2020-01-01T00:00:00Z"), []);
  assert.deepEqual(await list(portal, "since=2100-01-01T00:00:00Z"), []);
  assert.equal((await list(portal, "since=2020-01-01T00:00:00Z&until=2100-01-01T00:00:00Z")).length, 5);
  assert.equal((await portal.ask("/v1/audit?who=")).status, 400);
});

test("two portals on one journal make one chain, and retention leaves it verifiable", async () => {
  const journal = openMemoryJournal({ indexes: [] });
  const portals = [openAuditChain(journal), openAuditChain(journal)];
  const count = SEGMENT + 50;
  await Promise.all(
    portals.flatMap((chain, at) =>
      Array.from({ length: count }, (_, n) => chain.append({ kind: "done", who: { name: `p${at}-${n}` } })),
    ),
  );
  const [one] = portals;
  assert.ok(one);
  assert.equal((await one.head()).seq, 2 * count);
  assert.equal(await one.trim(0), false, "nothing is old enough");
  assert.equal(await one.trim(Date.now() + 60_000), true);
  assert.equal(await one.trim(Date.now() + 60_000), true);
  assert.equal(await one.trim(Date.now() + 60_000), false, "the newest segment stays");
  const verifier = openVerifier();
  for (let after = 0; ; ) {
    const entries = await one.after(after, 500);
    for (const entry of entries) verifier.add(textOf(entry));
    if (entries.length === 0) break;
    after = entries.at(-1)?.seq ?? 0;
  }
  const { seq, hash } = await one.head();
  const verdict = verifier.end({ head: { seq, hash } });
  assert.deepEqual(verdict.ok && [verdict.first, verdict.last.seq], [2 * SEGMENT + 1, 2 * count + 2]);
});

test("what the task-agent did for a person without this portal, and what a runner refused, is in the audit log", async () => {
  const journal = openMemoryJournal({ indexes: [] });
  const chain = openAuditChain(journal);
  const nowMs = Date.now() + 60 * 60_000;
  const at = (seq: number, task: string, event: FeedEvent["data"]["event"]): FeedEvent => ({
    specversion: "1.0",
    id: `${task}/1`,
    source: "/gantry",
    type: "dev.gantry.task.requested.v1",
    subject: task,
    time: new Date().toISOString(),
    datacontenttype: "application/json",
    seq,
    taskseq: 1,
    data: { task, pipeline: "ci", title: "Run CI", app: "orders", requestedBy: "kim", url: "/", event },
  });
  const events: FeedEvent[] = [];
  const feed = async ({ after }: { after?: number }) => ({
    events: events.filter(({ seq }) => after !== undefined && seq > after),
    last: events.length,
  });
  const follow = (): Promise<void> => followAgent({ agent: { feed }, journal, chain }, nowMs);
  await follow();
  await chain.append({ kind: "done", route: "runCi", on: { task: "t-portal" }, status: 202 });
  events.push(
    at(1, "t-portal", { kind: "TaskRequested" }),
    at(2, "t-other", { kind: "TaskRequested", definition: "d1" }),
  );
  events.push(at(3, "t-portal", { kind: "TaskCancelRequested", by: "lee" }), at(4, "t-portal", { kind: "JobReady" }));
  const ended = (code: string): FeedEvent["data"]["event"] => ({
    kind: "StepEnded",
    outcome: "failed",
    failure: { code, message: "The step pushes to PAYMENTS/payments, which does not belong to app orders." },
  });
  events.push(at(5, "t-portal", ended("script-failed")), at(6, "t-portal", ended("outside-app")));
  events.push(at(7, "t-fork", ended("fork-refused")), at(8, "t-forged", ended("commit-not-own")));
  await follow();
  await follow();
  const recorded = (await chain.after(1, 10)).map(({ kind, who, verb, on, pipeline, code }) => [
    kind,
    who?.name,
    verb,
    on?.task,
    pipeline?.definition ?? code,
  ]);
  assert.deepEqual(recorded, [
    ["agent", "kim", "run a pipeline", "t-other", "d1"],
    ["agent", "lee", "cancel a task", "t-portal", undefined],
    ["agent", "kim", "run a step that uses more than the app; the runner refused it", "t-portal", "outside-app"],
    ["agent", "kim", "run a step that uses more than the app; the runner refused it", "t-fork", "fork-refused"],
    ["agent", "kim", "run a step that uses more than the app; the runner refused it", "t-forged", "commit-not-own"],
  ]);
  events.length = 0;
  await follow();
  assert.equal((await chain.head()).seq, 6, "a task-agent with a new data folder is no change");
});

test("the access log names the caller, the task, the status, the time and the bytes of a request", async (t) => {
  const portal = await started(t);
  portal.agent.addTask({ id: "t-seen" });
  const { length } = await (await portal.ask("/v1/tasks/t-seen")).text();
  const line = (): object | undefined => portal.lines.find((one) => "task" in one && one.task === "t-seen");
  while (!line()) await new Promise((resolve) => setImmediate(resolve));
  const { actor, method, route, status, ms, bytes } = line() as { [name: string]: unknown };
  assert.deepEqual([actor, method, route, status], ["admin", "GET", "/v1/tasks/{id}", 200]);
  assert.ok(Number(ms) > 0 && Number(bytes) > length);
});
