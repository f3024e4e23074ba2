// Every route with every role. A route that is missing from the expected table fails the test.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PROBLEM_TYPE, problemSchema } from "@gantry/runtime/http/problem.ts";
import type { Access } from "../access/decide-access.ts";
import type { Route } from "../http/route.ts";
import { startTestPortal, type TestPortal } from "../portal.fixture.ts";
import { ROUTES } from "./routes.ts";

/** Who may, and a request that works. Adding a route means thinking about this line. */
const EXPECTED: { readonly [route: string]: readonly [access: Access, status: number, path: string, body?: object] } = {
  "POST /v1/apps": ["developer", 202, "/v1/apps", { params: { name: "billing" } }],
  "POST /v1/apps/{app}/ci": ["developer", 202, "/v1/apps/orders/ci", {}],
  "POST /v1/apps/{app}/cd": ["developer", 202, "/v1/apps/orders/cd", {}],
  "GET /v1/apps": ["viewer", 200, "/v1/apps"],
  "GET /v1/apps/{app}": ["viewer", 200, "/v1/apps/orders"],
  "POST /v1/tasks": ["developer", 202, "/v1/tasks", { pipeline: "ci", app: "orders" }],
  "GET /v1/tasks": ["viewer", 200, "/v1/tasks"],
  "GET /v1/tasks/{id}": ["viewer", 200, "/v1/tasks/t1"],
  "GET /v1/tasks/{id}/events": ["viewer", 200, "/v1/tasks/t1/events"],
  "GET /v1/tasks/{id}/jobs/{job}/steps/{step}/log": [
    "viewer",
    200,
    "/v1/tasks/t1/jobs/deploy%5Bseoul%5D/steps/checkout/log",
  ],
  "POST /v1/tasks/{id}/cancel": ["developer", 202, "/v1/tasks/t1/cancel", {}],
  "POST /v1/tasks/{id}/rerun": ["developer", 202, "/v1/tasks/t1/rerun", {}],
  "POST /v1/tasks/{id}/resolve": ["developer", 202, "/v1/tasks/t1/resolve", { job: "build", answer: "fail" }],
  "GET /v1/events": ["viewer", 200, "/v1/events?after=0"],
  "GET /v1/sites": ["viewer", 200, "/v1/sites"],
  "GET /v1/runners": ["viewer", 200, "/v1/runners"],
  "POST /v1/enrolments": ["admin", 201, "/v1/enrolments", { site: "seoul" }],
  "DELETE /v1/apps/{app}": ["developer", 204, "/v1/apps/orders?undo=false"],
  "POST /v1/runners/{runner}/renew-key": ["admin", 201, "/v1/runners/seoul-1/renew-key", {}],
  "DELETE /v1/runners/{runner}": ["admin", 204, "/v1/runners/seoul-1"],
  "POST /v1/runners/{runner}/readmit": ["admin", 204, "/v1/runners/seoul-1/readmit", {}],
  "GET /v1/systems": ["viewer", 200, "/v1/systems"],
  "GET /v1/pipelines": ["viewer", 200, "/v1/pipelines"],
  "GET /v1/pipelines/{name}": ["viewer", 200, "/v1/pipelines/ci"],
  "GET /v1/steps": ["viewer", 200, "/v1/steps"],
  "GET /v1/audit": ["admin", 200, "/v1/audit"],
  "GET /v1/audit/entries": ["admin", 200, "/v1/audit/entries"],
  "GET /v1/inbox": ["viewer", 200, "/v1/inbox"],
  "GET /v1/deliveries": ["viewer", 200, "/v1/deliveries"],
  "GET /v1/me": ["viewer", 200, "/v1/me"],
  "GET /v1/settings": ["admin", 200, "/v1/settings"],
  "POST /v1/settings": ["admin", 200, "/v1/settings", { version: 0, changes: { "notify.paused": true } }],
  "GET /v1/settings/history": ["admin", 200, "/v1/settings/history"],
  "POST /v1/tokens": ["admin", 201, "/v1/tokens", { name: "robot", role: "viewer" }],
  "GET /v1/tokens": ["admin", 200, "/v1/tokens"],
  "DELETE /v1/tokens/{name}": ["admin", 204, "/v1/tokens/robot"],
  "POST /v1/sign-in-links": ["viewer", 201, "/v1/sign-in-links", {}],
  "GET /sign-in": ["anyone", 200, "/sign-in"],
  "POST /sign-in": ["anyone", 401, "/sign-in"],
  "POST /sign-out": ["anyone", 204, "/sign-out", {}],
  "GET /livez": ["anyone", 200, "/livez"],
  "GET /readyz": ["anyone", 200, "/readyz"],
  "GET /version": ["anyone", 200, "/version"],
  "GET /metrics": ["viewer", 200, "/metrics"],
  "GET /openapi.json": ["viewer", 200, "/openapi.json"],
  "GET /docs": ["viewer", 200, "/docs"],
  "GET /portal.css": ["anyone", 200, "/portal.css"],
};

const nameOf = (one: Route): string => `${one.method} ${one.path}`;
const tokens = new Map<string, string | null>();
let portal: TestPortal;

before(async () => {
  portal = await startTestPortal();
  portal.agent.addTask({ id: "t1" });
  tokens.set("nobody", null);
  for (const role of ["viewer", "developer", "admin"] as const) tokens.set(role, await portal.tokenOf(role));
});
after(() => portal.close());

test("the routes and the expected table agree", () => {
  assert.deepEqual(ROUTES.map(nameOf).sort(), Object.keys(EXPECTED).sort());
});

async function assertProblem(answer: Response): Promise<void> {
  assert.equal(answer.headers.get("content-type"), PROBLEM_TYPE);
  const problem = problemSchema.parse(await answer.json());
  assert.equal(problem.status, answer.status);
}

for (const one of ROUTES) {
  const [access, status, path, body] = EXPECTED[nameOf(one)] ?? (["anyone", 200, "/"] as const);
  const request = (token: string | null, key = crypto.randomUUID()): Promise<Response> =>
    portal.ask(path, {
      method: one.method,
      token,
      headers: {
        "idempotency-key": key,
        "sec-fetch-site": "same-origin",
        ...(one.form ? { "content-type": "application/x-www-form-urlencoded" } : {}),
      },
      ...(one.form ? { body: "token=unknown" } : body === undefined ? {} : { json: body }),
    });

  test(`${nameOf(one)} requires ${access}`, async () => {
    const order = ["nobody", "viewer", "developer", "admin"];
    for (const role of order) {
      const answer = await request(tokens.get(role) ?? null);
      const isAllowed = access === "anyone" || order.indexOf(role) >= order.indexOf(access);
      if (isAllowed) {
        assert.equal(answer.status, status, `${role}: ${await answer.text()}`);
      } else {
        assert.equal(answer.status, role === "nobody" ? 401 : 403, role);
        await assertProblem(answer);
      }
    }
  });

  test(`${nameOf(one)} refuses unknown parameters`, async () => {
    const admin = tokens.get("admin") ?? "";
    const unknown = await portal.ask(`${path}${path.includes("?") ? "&" : "?"}surprise=1`, {
      method: one.method,
      token: admin,
      headers: { "idempotency-key": "k", "sec-fetch-site": "same-origin" },
      ...(one.method === "GET" ? {} : { json: body ?? {} }),
    });
    assert.equal(unknown.status, 400);
    await assertProblem(unknown);
    if (one.method !== "GET" && !one.form) {
      const answer = await portal.ask(path, {
        method: one.method,
        token: admin,
        headers: { "idempotency-key": "k" },
        json: { ...body, surprise: 1 },
      });
      assert.equal(answer.status, 400);
      assert.match(await answer.text(), /"pointer":"\/surprise"/);
    }
    if (one.requiresIdempotencyKey) {
      const answer = await portal.ask(path, { method: one.method, token: admin, json: body });
      assert.equal(((await answer.json()) as { code: string }).code, "idempotency-key-missing");
    }
  });
}

test("a task starts once per Idempotency-Key; the response has its address", async () => {
  const start = (key: string, params: object, token = tokens.get("developer") ?? ""): Promise<Response> =>
    portal.ask("/v1/apps/orders/ci", { method: "POST", token, headers: { "idempotency-key": key }, json: { params } });
  const first = await start("once", { ref: "main" });
  const again = await start("once", { ref: "main" });
  assert.deepEqual([first.status, again.status], [202, 202]);
  const task = (await first.json()) as { id: string; requestedBy: string };
  assert.equal(((await again.json()) as { id: string }).id, task.id);
  assert.equal(first.headers.get("location"), `/v1/tasks/${task.id}`);
  assert.equal(task.requestedBy, "a-developer");

  const other = await start("once", { ref: "next" });
  assert.equal(other.status, 422);
  assert.equal(((await other.json()) as { code: string }).code, "idempotency-key-reused");
  const somebodyElse = (await (await start("once", { ref: "main" }, portal.adminToken)).json()) as { id: string };
  assert.notEqual(somebodyElse.id, task.id);
});

test("invalid params are reported with their pointers", async () => {
  const answer = await portal.ask("/v1/apps/orders/ci", {
    method: "POST",
    headers: { "idempotency-key": "p" },
    json: { params: { ref: 1 } },
  });
  assert.equal(answer.status, 400);
  const problem = problemSchema.parse(await answer.json());
  assert.equal(problem.code, "bad-params");
  assert.deepEqual(problem.errors, [{ detail: "This must be a text.", pointer: "/params/ref" }]);
});

test("reading unchanged data again is 304", async () => {
  const task = portal.agent.addTask();
  const first = await portal.ask(`/v1/tasks/${task.id}`);
  const etag = first.headers.get("etag") ?? "";
  const again = await portal.ask(`/v1/tasks/${task.id}`, { headers: { "if-none-match": etag } });
  assert.equal(again.status, 304);
  assert.equal(await again.text(), "");
  portal.agent.emit(task.id, "Moved");
  assert.equal((await portal.ask(`/v1/tasks/${task.id}`, { headers: { "if-none-match": etag } })).status, 200);
});

test("other methods and unknown paths are problems", async () => {
  const wrong = await portal.ask("/v1/tasks/t1", { method: "PUT" });
  assert.equal(wrong.status, 405);
  assert.equal(wrong.headers.get("allow"), "GET");
  await assertProblem(wrong);
  for (const path of ["/v1/nothing", "/v1", "/nothing.js", "/v1/tasks/t1/nothing"]) {
    const answer = await portal.ask(path);
    assert.equal(answer.status, 404, path);
    await assertProblem(answer);
  }
  const missing = await portal.ask("/v1/tasks/t404");
  assert.equal(missing.status, 404);
  assert.match(await missing.text(), /There is no task t404/);
});

test("every response has the security headers; access logs contain no secret", async () => {
  const answer = await portal.ask("/sign-in");
  assert.match(answer.headers.get("content-security-policy") ?? "", /default-src 'self'.*frame-ancestors 'none'/);
  assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  await portal.ask("/sign-in?code=very-secret-code");
  const lines = JSON.stringify(portal.lines);
  assert.match(lines, /"route":"\/v1\/tasks\/\{id\}"/);
  assert.doesNotMatch(lines, /very-secret-code|gantry_pat_/);
});

test("without the task-agent, reads are 503, and the portal is ready but degraded", async () => {
  portal.agent.setOut(true);
  try {
    const answer = await portal.ask("/v1/tasks");
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get("retry-after"), "2");
    await assertProblem(answer);
    const ready = await portal.ask("/readyz");
    assert.equal(ready.status, 200);
    const { status, problems } = (await ready.json()) as { status: string; problems: string[] };
    assert.deepEqual([status, problems.length], ["degraded", 1]);
    assert.equal((await portal.ask("/livez")).status, 200);
  } finally {
    portal.agent.setOut(false);
  }
});
