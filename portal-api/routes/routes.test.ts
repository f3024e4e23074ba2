// Every route with every role. A route that is missing from the expected table fails the test.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ROLE_VERBS, ROLES } from "@gantry/core/access/roles.ts";
import { PROBLEM_TYPE, problemSchema } from "@gantry/runtime/http/problem.ts";
import type { Route } from "../http/route.ts";
import { startTestPortal, type TestPortal } from "../portal.fixture.ts";
import { EXPECTED, isAllowed, OWN } from "./expected.fixture.ts";
import { ROUTES } from "./routes.ts";

const nameOf = (one: Route): string => `${one.method} ${one.path}`;
const tokens = new Map<string, string | null>();
let portal: TestPortal;

before(async () => {
  portal = await startTestPortal();
  portal.agent.addTask({ id: "t1" });
  portal.agent.addBuild("orders", { number: 7 });
  tokens.set("nobody", null);
  for (const role of ROLES) tokens.set(role, await portal.tokenOf(role));
});
after(() => portal.close());

test("the routes and the expected table agree", () => {
  const [served, expected] = [ROUTES.map(nameOf), Object.keys(EXPECTED)];
  assert.equal(new Set(served).size, served.length, "two routes have the same method and path");
  const file = "portal-api/routes/expected.fixture.ts";
  const without = served.filter((name) => !expected.includes(name));
  assert.deepEqual(without, [], `add a row for each of these to EXPECTED in ${file}`);
  const gone = expected.filter((name) => !served.includes(name));
  assert.deepEqual(gone, [], `add the route to ROUTES, or remove its row from EXPECTED in ${file}`);
});

async function assertProblem(answer: Response): Promise<void> {
  assert.equal(answer.headers.get("content-type"), PROBLEM_TYPE);
  const problem = problemSchema.parse(await answer.json());
  assert.equal(problem.status, answer.status);
}

for (const one of ROUTES) {
  const expected = EXPECTED[nameOf(one)];
  // The test above says so.
  if (!expected) continue;
  const path = expected.path(OWN);
  const body = expected.body?.(OWN);
  const request = (token: string | null, key = crypto.randomUUID()): Promise<Response> =>
    portal.ask(path, {
      method: one.method,
      token,
      headers: {
        "idempotency-key": key,
        "if-match": "*",
        "sec-fetch-site": "same-origin",
        ...(one.form ? { "content-type": "application/x-www-form-urlencoded" } : {}),
      },
      ...(one.form ? { body: expected.form?.() ?? "" } : body === undefined ? {} : { json: body }),
    });

  test(`${nameOf(one)} requires ${expected.right}`, async () => {
    for (const role of ["nobody", ...ROLES] as const) {
      const answer = await request(tokens.get(role) ?? null);
      if (role === "nobody" ? expected.right === "anyone" : isAllowed(expected, ROLE_VERBS[role])) {
        assert.equal(answer.status, expected.status, `${role}: ${await answer.text()}`);
      } else {
        // Nothing is visible to the role `none`.
        const hidden: boolean = role === "none" && expected.hides !== undefined;
        assert.equal(answer.status, role === "nobody" ? 401 : hidden ? 404 : 403, role);
        await assertProblem(answer);
      }
    }
  });

  // An issuer may add parameters of its own to its answers.
  if (one.id === "finishSso") continue;
  test(`${nameOf(one)} refuses unknown parameters`, async () => {
    const admin = tokens.get("admin") ?? "";
    const unknown = await portal.ask(`${path}${path.includes("?") ? "&" : "?"}surprise=1`, {
      method: one.method,
      token: admin,
      headers: { "idempotency-key": "k", "if-match": "*", "sec-fetch-site": "same-origin" },
      ...(one.method === "GET" ? {} : { json: body ?? {} }),
    });
    assert.equal(unknown.status, 400);
    await assertProblem(unknown);
    // A body of raw bytes is not read as JSON.
    if (one.method !== "GET" && !one.form && one.rawBytes === undefined) {
      const answer = await portal.ask(path, {
        method: one.method,
        token: admin,
        headers: { "idempotency-key": "k", "if-match": "*" },
        json: { ...body, surprise: 1 },
      });
      assert.equal(answer.status, 400);
      assert.match(await answer.text(), /"pointer":"\/surprise"/);
    }
    if (one.requiresIfMatch) {
      const answer = await portal.ask(path, { method: one.method, token: admin, json: body });
      assert.equal(((await answer.json()) as { code: string }).code, "if-match-missing");
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
