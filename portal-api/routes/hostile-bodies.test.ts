// Fields of requests that other systems have taken for more than text.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startTestPortal, type TestPortal } from "../portal.fixture.ts";

async function open(t: TestContext): Promise<TestPortal> {
  const portal = await startTestPortal();
  t.after(() => portal.close());
  return portal;
}

const KEY = { "idempotency-key": "hostile" };

test("who asks is the caller, whatever a body, a header or a parameter says", async (t) => {
  const portal = await open(t);
  portal.agent.addApp({ name: "orders" });
  const token = await portal.tokenOf("developer", "mallory");
  const ask = (json: object, headers: Record<string, string> = {}) =>
    portal.ask("/v1/apps/orders/ci", { method: "POST", token, json, headers: { ...KEY, ...headers } });
  for (const field of ["principal", "requestedBy", "by", "user", "actor", "author"])
    assert.equal((await ask({ params: {}, [field]: "admin" })).status, 400, field);
  const answer = await ask(
    { params: { author: "admin <admin@example.com>" } },
    { "x-user": "admin", "x-forwarded-user": "admin", "x-remote-user": "admin", from: "admin@example.com" },
  );
  assert.equal(answer.status, 202);
  assert.equal(((await answer.json()) as { requestedBy: string }).requestedBy, "mallory");
});

test("`@/etc/passwd` in a field is text: no field names a file to be read", async (t) => {
  const portal = await open(t);
  portal.agent.addApp({ name: "orders" });
  const file = "@/etc/passwd";
  const bodies: readonly (readonly [path: string, body: object])[] = [
    ["/v1/apps", { params: { name: file } }],
    ["/v1/apps/orders/ci", { params: { ref: file, at: file, list: [file] } }],
    ["/v1/tasks", { pipeline: file, params: {} }],
    ["/v1/tasks", { pipeline: "ci", app: file, params: {} }],
    ["/v1/tasks/t01/cancel", { reason: file }],
    ["/v1/tokens", { name: file, role: "viewer" }],
    ["/v1/enrolments", { site: file }],
    ["/v1/settings", { version: 1, changes: { "log.taskAgent": file }, reason: file }],
  ];
  for (const [at, [path, json]] of bodies.entries()) {
    const answer = await portal.ask(path, { method: "POST", json, headers: { "idempotency-key": `file-${at}` } });
    assert.ok(answer.status < 500, `${path}: ${answer.status}`);
    assert.doesNotMatch(await answer.text(), /root:|nologin/, path);
  }
  for (const path of [`/v1/tasks?app=${file}`, `/v1/apps/${encodeURIComponent(file)}`, `/v1/tasks?cursor=${file}`])
    assert.doesNotMatch(await (await portal.ask(path)).text(), /root:|nologin/, path);
});
