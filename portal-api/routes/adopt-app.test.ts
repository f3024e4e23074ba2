// Apps that are adopted, changed and renamed through the API, as their teams see it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import { startTestPortal, type TestPortal } from "../portal.fixture.ts";

const POLICY = [
  "teams: { payments: [], search: [] }",
  "roles:",
  "  changer: { extends: viewer, verbs: [change-app, create-app] }",
  "bindings:",
  '  - { role: developer, people: [pay], apps: ["team:payments", "pay-*"] }',
  '  - { role: changer, people: [changer], apps: ["orders", "c-*"] }',
  '  - { role: developer, people: [changer], apps: ["label:tier=dev"] }',
  '  - { role: developer, people: [changer], apps: ["dev-*"] }',
  "  - { role: admin, people: [boss] }",
].join("\n");

let portal: TestPortal;
const tokens = new Map<string, string>();

before(async () => {
  portal = await startTestPortal({}, { policy: POLICY });
  for (const name of ["pay", "changer", "boss"]) {
    const answer = await portal.ask("/v1/tokens", { method: "POST", json: { name, role: "none" } });
    tokens.set(name, ((await answer.json()) as { token: string }).token);
  }
});
after(() => portal.close());

type Answer = { readonly status: number; readonly etag: string | null; readonly body: Record<string, unknown> };

async function ask(who: string, method: string, path: string, json?: object, match = "*"): Promise<Answer> {
  const answer = await portal.ask(path, {
    method,
    token: tokens.get(who) ?? "",
    headers: { "idempotency-key": crypto.randomUUID(), ...(method === "PATCH" ? { "if-match": match } : {}) },
    ...(json === undefined ? {} : { json }),
  });
  return { status: answer.status, etag: answer.headers.get("etag"), body: (await answer.json()) as Answer["body"] };
}

const adopt = (who: string, name: string, changes: object = {}, more: object = {}): Promise<Answer> =>
  ask(who, "POST", "/v1/apps", { adopt: true, name, app: { ...appInput(), title: name, ...changes }, ...more });
const problem = ({ body }: Answer): ProblemBody => body as unknown as ProblemBody;

test("a team adopts an app: a dry run writes nothing, the app is there after, and the same again changes nothing", async () => {
  const dry = await adopt("pay", "pay-1", {}, { dryRun: true });
  assert.deepEqual([dry.status, dry.body.change], [200, "create"]);
  assert.equal((await ask("pay", "GET", "/v1/apps/pay-1")).status, 404);
  assert.deepEqual([(await adopt("pay", "pay-1")).status, (await adopt("pay", "pay-1")).status], [201, 200]);
  assert.equal((await ask("pay", "GET", "/v1/apps/pay-1")).status, 200);
  assert.equal(problem(await adopt("pay", "pay-1", { title: "other" })).code, "app-exists");
});

test("every mistake of a request has its pointer", async () => {
  const answer = await adopt("pay", "pay-2", { titel: "x", build: { site: "Seoul" } });
  assert.equal(answer.status, 400);
  assert.deepEqual(
    problem(answer)
      .errors?.map(({ pointer }) => pointer)
      .sort(),
    ["/app/build/site", "/app/titel"],
  );
  const both = await ask("boss", "POST", "/v1/apps", { adopt: true, params: {}, name: "x" });
  assert.deepEqual(
    problem(both).errors?.map(({ pointer }) => pointer),
    ["/params", "/app"],
  );
});

test("the record of an app is small: it is part of every list of apps and of every task", async () => {
  const labels = Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`l${n}`, "x"]));
  const commands = Array.from({ length: 50 }, () => "x".repeat(4_000));
  const images = [0, 1].map((n) => ({ name: `i${n}`, install: commands }));
  for (const [changes, pointer, detail] of [
    [{ labels }, "/app/labels", "must have at most 100 labels"],
    [{ images }, "/app", /is larger than 256 KiB/],
  ] as const) {
    const answer = await adopt("pay", "pay-large", changes);
    assert.equal(answer.status, 400);
    const [first] = problem(answer).errors ?? [];
    assert.equal(first?.pointer, pointer);
    assert.match(first?.detail ?? "", new RegExp(detail));
  }
});

test("an app is adopted by those who may create it, by its name or for their own team", async () => {
  assert.equal((await adopt("pay", "billing")).status, 403);
  assert.equal((await adopt("pay", "billing", { team: "search" })).status, 403);
  assert.equal((await adopt("pay", "billing", { team: "payments" })).status, 201);
});

test("nobody gains rights by the team, the labels or the name of an app", async () => {
  const refused = await ask("changer", "PATCH", "/v1/apps/orders", { labels: { tier: "dev" } });
  assert.equal(refused.status, 403);
  assert.match(problem(refused).detail, /^It would give you rights that you do not have now: .*run-cd/);
  assert.equal((await ask("changer", "PATCH", "/v1/apps/orders", { title: "New" })).status, 200);
  assert.equal((await ask("changer", "PATCH", "/v1/apps/orders", { labels: { area: "x" } })).status, 200);
  assert.equal((await adopt("changer", "c-1", { labels: { tier: "dev" } })).status, 403);
  assert.equal((await ask("changer", "POST", "/v1/apps/orders/rename", { to: "dev-orders" })).status, 403);
  assert.equal((await ask("changer", "POST", "/v1/apps/orders/rename", { to: "c-orders" })).status, 200);
});

test("a change needs the ETag of what its author has seen", async () => {
  await adopt("boss", "shop");
  const seen = (await ask("boss", "GET", "/v1/apps/shop")).etag ?? "";
  assert.equal((await ask("boss", "PATCH", "/v1/apps/shop", { title: "A" }, seen)).status, 200);
  const late = await ask("boss", "PATCH", "/v1/apps/shop", { title: "B" }, seen);
  assert.deepEqual([late.status, problem(late).code], [412, "version-differs"]);
  const { etag } = await ask("boss", "PATCH", "/v1/apps/shop", { title: "C" });
  assert.equal((await ask("boss", "PATCH", "/v1/apps/shop", { title: "D" }, etag ?? "")).status, 200);
  assert.equal((await ask("boss", "PATCH", "/v1/apps/shop", { title: "E" }, "x")).status, 400);
});

test("a place that another app has is refused, and the app is named to those who may see it", async () => {
  await adopt("boss", "secret-app", { title: "same" });
  const hidden = await adopt("pay", "pay-3", { title: "same" });
  assert.deepEqual([hidden.status, problem(hidden).code], [409, "place-taken"]);
  assert.doesNotMatch(JSON.stringify(hidden), /secret-app/);
  assert.match(problem(hidden).title, /belongs to another app/);
  assert.match(problem(await adopt("boss", "other", { title: "same" })).title, /belongs to secret-app/);
});

test("nobody takes a project or a namespace that an app of others has", async () => {
  const others = appInput({ argocd: { project: "platform" }, namespace: "platform" });
  await adopt("boss", "platform", { ...others, title: "platform" });
  const target = { name: "t", site: "seoul", cluster: "seoul-dp", overlay: "own" };
  const repositories = {
    source: { system: "git", project: "PAY", slug: "own" },
    yaml: { system: "git", project: "PAY", slug: "own-deploy" },
  };
  const own = { ...repositories, targets: [target], namespace: "pay-4" };
  const project = await adopt("pay", "pay-4", { ...own, argocd: { project: "platform" } });
  assert.match(problem(project).title, /give the app pay-4 the Argo CD project platform/);
  const namespace = await adopt("pay", "pay-4", { ...own, targets: [{ ...target, namespace: "platform" }] });
  assert.match(problem(namespace).title, /give the app pay-4 the namespace platform on seoul-dp at seoul/);
  assert.equal((await adopt("pay", "pay-4", own)).status, 201);
});

test("the audit log says who adopted and changed which app", async () => {
  await adopt("boss", "audited");
  await ask("boss", "PATCH", "/v1/apps/audited", { title: "A" });
  const { items } = (await ask("boss", "GET", "/v1/audit")).body as {
    items: { route?: string; on?: { app?: string } }[];
  };
  const routes = items.filter(({ on }) => on?.app === "audited").map(({ route }) => route);
  assert.deepEqual(new Set(routes), new Set(["createApp", "changeApp"]));
});
