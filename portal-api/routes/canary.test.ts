// Two teams. Whatever one of them asks for, no answer, header or event has anything of the other.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { startTestPortal, type TestPortal } from "../portal.fixture.ts";
import { EXPECTED, OWN } from "./expected.fixture.ts";
import { ROUTES } from "./routes.ts";

const CANARY = "canary";
const OWN_TASK = "t0000000010000000001";
const FOREIGN_TASK = "t0000000020000000002";
const POLICY = [
  "bindings:",
  "  - { role: admin, people: [team-own], apps: [orders] }",
  "  - { role: admin, people: [team-own], sites: [seoul] }",
  "  - { role: admin, people: [team-canary], apps: [canary-app] }",
  "deny:",
  '  - { verbs: [view-pipelines], people: [team-own], pipelines: ["canary-*"] }',
].join("\n");
const LIVE = { pingMs: 50, recheckMs: 50, retryMs: 10 };

let portal: TestPortal;
let own: string;
const leaving = new AbortController();

before(async () => {
  portal = await startTestPortal({ access: { pollMs: 20 }, live: LIVE }, { policy: POLICY });
  const { agent, notify } = portal;
  const waiting = { code: "concurrency", since: "2026-11-20T07:00:00Z" };
  const secret = { word: `${CANARY}-secret` };
  agent.addTask({
    id: FOREIGN_TASK,
    app: "canary-app",
    pipeline: "canary-nightly",
    title: "Run CD: canary-app",
    requestedBy: "canary-kim",
    params: secret,
    outputs: secret,
  });
  agent.addTask({
    id: OWN_TASK,
    headline: `Run CI: orders is waiting. Waiting for task ${FOREIGN_TASK}, which was requested before.`,
    rerunOf: FOREIGN_TASK,
    waiting: { ...waiting, text: `Waiting for task ${FOREIGN_TASK}, which was requested before.` },
  });
  agent.emit(OWN_TASK, "JobWaiting", { text: `Waiting for task ${FOREIGN_TASK}.`, behind: FOREIGN_TASK });
  agent.addApp({ name: "canary-app", createdBy: "canary-kim", record: secret, facts: secret });
  agent.addBuild("canary-app", { subject: "canary subject", by: "canary-kim", task: FOREIGN_TASK });
  agent.addBuild("orders", { task: FOREIGN_TASK });
  agent.addApproval({ task: FOREIGN_TASK, app: "canary-app", pipeline: "canary-nightly", requestedBy: "canary-kim" });
  agent.addApproval({ task: OWN_TASK });
  // So many that a page ends before the last of them is read.
  for (let n = 0; n < 30; n += 1) agent.addApp({ name: `canary-${n}` });
  agent.addPipeline({ name: "canary-nightly", title: "canary nightly" });
  const suggested = (ui: string, examples: string[]) => ({ type: "string", "x-ui": ui, examples });
  agent.addPipeline({
    name: "cd",
    params: {
      type: "object",
      properties: {
        site: suggested("site", ["seoul", "canary-site"]),
        target: suggested("target", ["seoul/dp", "canary-site/canary-dp"]),
      },
    },
  });
  agent.setDefinitions({
    source: {
      kind: "git",
      repository: { project: "CANARY", slug: "canary-definitions", branch: "main" },
      commit: "0123456789abcdef0123456789abcdef01234567",
      subject: "Add canary-nightly for canary-app",
      task: FOREIGN_TASK,
    },
    environments: ["canary"],
  });
  agent.addRunner("seoul-1", "seoul", [{ task: FOREIGN_TASK, job: "canary-job" }]);
  agent.addRunner("canary-1", "canary-site");
  agent.queue("seoul", { task: FOREIGN_TASK, job: "canary-job", waiting: { ...waiting, text: "canary waits" } });
  agent.queue("seoul", { task: OWN_TASK, job: "build", waiting: { ...waiting, text: `behind ${FOREIGN_TASK}` } });
  notify.inbox.push(
    {
      ...notify.inbox[0],
      id: "2",
      task: FOREIGN_TASK,
      app: "canary-app",
      title: "canary failed",
    } as (typeof notify.inbox)[0],
    { ...notify.inbox[0], id: "3", task: OWN_TASK, app: "orders", title: "orders failed" } as (typeof notify.inbox)[0],
  );
  for (const task of [OWN_TASK, FOREIGN_TASK])
    notify.deliveries.push({
      key: `failed/${task}/mail`,
      rule: "failed",
      channel: "mail",
      event: task,
      task,
      title: task === OWN_TASK ? "orders failed" : "canary failed",
      state: "delivered",
      tries: 1,
      createdAt: "2026-11-20T07:00:00Z",
    });
  const answer = await portal.ask("/v1/tokens", { method: "POST", json: { name: "team-own", role: "none" } });
  own = ((await answer.json()) as { token: string }).token;
});
after(async () => {
  leaving.abort();
  await portal.close();
});

function assertClean(text: string, what: string): void {
  // What the caller has sent itself may come back.
  assert.doesNotMatch(text, new RegExp(`${CANARY}|${FOREIGN_TASK}`), what);
}

/** Headers and body. What is encoded in cursors is decoded. */
async function textOf(answer: Response): Promise<string> {
  const body = await answer.text();
  const cursors = [...body.matchAll(/"nextCursor":"([^"]+)"/g)].map(([, cursor = ""]) => decoded(cursor));
  return JSON.stringify([[...answer.headers], body, cursors]);
}

function decoded(cursor: string): string {
  return Buffer.from(cursor, "base64url").toString("latin1");
}

const PATHS: { readonly [name: string]: string } = {
  app: "orders",
  id: OWN_TASK,
  job: "build",
  step: "checkout",
  name: "ci",
  runner: "seoul-1",
  number: "7",
};
const addresses = ROUTES.filter((one) => one.method === "GET").map((one) =>
  one.path.replace(/\{(\w+)\}/g, (_, name: string) => PATHS[name] ?? "x"),
);
const MORE = [
  "/v1/events?after=0",
  "/v1/events?after=0&app=orders",
  `/v1/events?after=0&wait=1`,
  `/v1/tasks/${OWN_TASK}/events?after=0&wait=1`,
  "/v1/tasks?limit=1",
  "/v1/tasks?state=open",
  "/v1/tasks?pipeline=ci",
  "/v1/apps?limit=1",
  "/v1/apps?limit=2",
  "/v1/builds?limit=1",
  "/v1/builds?branch=main",
  "/v1/builds?app=canary-app",
  "/v1/inbox?limit=1",
  "/v1/deliveries?limit=1",
];

for (const path of [...addresses, ...MORE])
  test(`a crawl as another team finds nothing at ${path}`, async () => {
    for (const accept of ["application/json", "text/html", "application/x-ndjson", "text/plain"])
      assertClean(await textOf(await portal.ask(path, { token: own, headers: { accept } })), path);
  });

test("the crawl would find it: an administrator sees the canary in each of these", async () => {
  for (const { list, path } of Object.values(EXPECTED)) {
    if (!list) continue;
    const missing = `${path(OWN)} has nothing of the other team: give the fake something in "before" of this file`;
    assert.match(await textOf(await portal.ask(path(OWN))), new RegExp(CANARY), missing);
  }
  assert.match(await textOf(await portal.ask("/v1/apps/canary-app/builds")), new RegExp(CANARY));
  for (const path of ["/v1/apps/orders/builds/7", `/v1/tasks/${OWN_TASK}`, `/v1/tasks/${OWN_TASK}/events`])
    assert.match(await textOf(await portal.ask(path)), new RegExp(`${CANARY}|${FOREIGN_TASK}`), path);
});

test("a cursor does not tell where others are, holds for the next page, and cannot be changed", async () => {
  const { nextCursor = "" } = (await (await portal.ask("/v1/apps?limit=2", { token: own })).json()) as {
    nextCursor?: string;
  };
  assert.match(nextCursor, /^sealed\./);
  const next = await portal.ask(`/v1/apps?limit=2&cursor=${nextCursor}`, { token: own });
  assert.deepEqual(await next.json(), { items: [] });
  const changed = await portal.ask(`/v1/apps?cursor=${nextCursor.slice(0, -3)}AAA`, { token: own });
  assert.equal(changed.status, 400);
  const open = (await (await portal.ask("/v1/apps?limit=2")).json()) as { nextCursor?: string };
  assert.match(decoded(open.nextCursor ?? ""), /canary/);
});

test("the own team sees its own in each list, and who blocks it is not named", async () => {
  for (const path of ["/v1/apps", "/v1/builds", "/v1/tasks", "/v1/events?after=0", "/v1/inbox", "/v1/deliveries"])
    assert.match(await textOf(await portal.ask(path, { token: own })), /orders/, path);
  for (const path of ["/v1/sites", "/v1/runners"])
    assert.match(await textOf(await portal.ask(path, { token: own })), /seoul-1/, path);
  assert.match(await textOf(await portal.ask(`/v1/tasks/${OWN_TASK}`, { token: own })), /Waiting for another task,/);
});

test("streams have no event of others, also when it happens while they are open", async () => {
  const streams = await Promise.all(
    ["/v1/events?after=0", `/v1/tasks/${OWN_TASK}/events`].map((path) =>
      portal.ask(path, { token: own, headers: { accept: "text/event-stream" }, signal: leaving.signal }),
    ),
  );
  portal.agent.emit(FOREIGN_TASK, "StepEnded", { output: "canary" });
  portal.agent.emit(OWN_TASK, "StepEnded", { output: "last-event" });
  for (const stream of streams) {
    const decoder = new TextDecoder();
    let text = JSON.stringify([...stream.headers]);
    for await (const chunk of stream.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (text.includes("last-event")) break;
    }
    assertClean(text, "stream");
    assert.match(text, /last-event/);
  }
});

test("a poll that waits is not answered with, or because of, an event of others", async () => {
  const { last } = (await (await portal.ask("/v1/events?after=0", { token: own })).json()) as { last: number };
  const answer = portal.ask(`/v1/events?after=${last}&wait=5000`, { token: own });
  portal.agent.emit(FOREIGN_TASK, "StepEnded", { output: "canary" });
  portal.agent.emit(OWN_TASK, "StepEnded");
  const text = await (await answer).text();
  assertClean(text, "poll");
  assert.match(text, /"kind":"StepEnded"/);
});

test("a repeated request with a key is refused when the right is gone; nothing of the task comes back", async () => {
  const start = (): Promise<Response> =>
    portal.ask("/v1/apps/orders/ci", { method: "POST", token: own, headers: { "idempotency-key": "again" }, json: {} });
  assert.equal((await start()).status, 202);
  const stream = await portal.ask(`/v1/tasks/${OWN_TASK}/events`, {
    token: own,
    headers: { accept: "text/event-stream" },
    signal: leaving.signal,
  });
  await writeFile(portal.policyFile, "bindings:\n  - { role: admin, people: [team-canary] }\n");
  // The stream ends because the right is gone.
  for await (const _ of stream.body ?? []);
  const answer = await start();
  assert.equal(answer.status, 404);
  assert.doesNotMatch(await answer.text(), /t\d/);
  const list = (await (await portal.ask("/v1/tasks", { token: own })).json()) as { items: unknown[] };
  assert.deepEqual(list.items, []);
});

test("a policy with a mistake changes nothing, and the log has the alarm", async () => {
  await writeFile(
    portal.policyFile,
    POLICY.replace("role: admin, people: [team-own]", "role: boss, people: [team-own]"),
  );
  const alarm = /the policy is not valid: the last valid one stays in force|there is no role boss/;
  const until = performance.now() + 60_000;
  while (!alarm.test(JSON.stringify(portal.lines)) && performance.now() < until)
    await portal.ask("/v1/events?after=0&wait=20", { token: own });
  assert.match(JSON.stringify(portal.lines), /:2: bindings.0: there is no role boss/);
  assert.equal((await portal.ask("/v1/apps/orders", { token: own })).status, 404);
});
