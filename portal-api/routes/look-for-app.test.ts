// Who may look for an app to adopt, and read what was found.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import { startTestPortal, type TestPortal } from "../portal.fixture.ts";

const POLICY = [
  "teams: { payments: [] }",
  "bindings:",
  '  - { role: developer, people: [pay], apps: ["team:payments", "pay-*"] }',
  '  - { role: viewer, people: [viewer], apps: ["*"] }',
  '  - { role: developer, people: [placed], apps: ["*"], sites: [seoul] }',
  "  - { role: admin, people: [boss] }",
].join("\n");

let portal: TestPortal;
const tokens = new Map<string, string>();

before(async () => {
  portal = await startTestPortal({}, { policy: POLICY });
  portal.agent.addTask({ id: "t1", app: "pay-1" });
  portal.agent.addTask({ id: "t2", app: "billing" });
  const { source, yaml } = appInput();
  portal.agent.addApp({ name: "secret", record: { source: { ...source, slug: "secret" }, yaml: { ...yaml } } });
  for (const name of ["pay", "viewer", "placed", "boss"]) {
    const answer = await portal.ask("/v1/tokens", { method: "POST", json: { name, role: "none" } });
    tokens.set(name, ((await answer.json()) as { token: string }).token);
  }
});
after(() => portal.close());

const ask = async (who: string, path: string, json?: object) => {
  const token = tokens.get(who) ?? "";
  const answer = await portal.ask(path, json === undefined ? { token } : { method: "POST", token, json });
  return {
    status: answer.status,
    location: answer.headers.get("location"),
    body: (await answer.json()) as ProblemBody,
  };
};
const look = (who: string, body: object, slug = "new") =>
  ask(who, "/v1/app-proposals", { source: { system: "git", project: "LOOK", slug }, ...body });

test("people look who could adopt the app: by its name, by the name of the repository, or for their team", async () => {
  assert.equal((await look("pay", { name: "billing" })).status, 403);
  assert.equal((await look("pay", {})).status, 403);
  assert.equal((await look("viewer", { name: "pay-1" })).status, 403);
  const allowed = [
    await look("pay", { name: "pay-1" }),
    await look("pay", {}, "pay-2"),
    await look("pay", { name: "x", team: "payments" }),
  ];
  for (const one of allowed) assert.deepEqual([one.status, one.location], [202, "/v1/app-proposals/t1"]);
});

test("a repository that an app of others has is not looked at", async () => {
  const { source, yaml } = appInput();
  const places = [
    { source: { ...source, slug: "secret" } },
    { yaml },
    { yaml: { project: yaml.project, slug: yaml.slug } },
  ];
  for (const place of places) {
    const body = { name: "pay-1", source: { ...source, slug: "own" }, ...place };
    const { url: _, cloneUrl: __, ...plain } = body.source;
    const refused = await ask("pay", "/v1/app-proposals", { ...body, source: plain });
    assert.equal(refused.status, 403, JSON.stringify(refused.body));
    assert.match(refused.body.detail, /belongs to an app that you may not change/);
    assert.doesNotMatch(refused.body.detail, /secret/);
    assert.equal((await ask("boss", "/v1/app-proposals", { ...body, source: plain })).status, 202);
  }
});

test("a proposal is read by those who could adopt the app; to others it does not exist", async () => {
  assert.equal((await ask("pay", "/v1/app-proposals/t1")).status, 200);
  assert.equal((await ask("pay", "/v1/app-proposals/t2")).status, 404);
  assert.equal((await ask("viewer", "/v1/app-proposals/t1")).status, 403);
  assert.equal((await ask("boss", "/v1/app-proposals/t2")).status, 200);
  assert.equal((await ask("boss", "/v1/app-proposals/t404")).status, 404);
});

test("somebody with rights at some sites looks at these only", async () => {
  portal.agent.addRunner("tokyo-1", "tokyo");
  assert.equal((await look("placed", { name: "x" })).status, 202);
  assert.deepEqual(portal.agent.looks().at(-1)?.sites, ["seoul"]);
  assert.equal((await look("boss", { name: "x" })).status, 202);
  assert.equal(portal.agent.looks().at(-1)?.sites, undefined);
});

test("a proposal that was looked for at more sites is not for somebody with rights at some of them", async () => {
  portal.agent.addRunner("tokyo-1", "tokyo");
  await look("boss", { name: "x" });
  const refused = await ask("placed", "/v1/app-proposals/t1");
  assert.deepEqual([refused.status, /tokyo/.test(JSON.stringify(refused.body.detail))], [403, false]);
  assert.equal((await ask("boss", "/v1/app-proposals/t1")).status, 200);
  await look("placed", { name: "x" });
  assert.equal((await ask("placed", "/v1/app-proposals/t1")).status, 200);
});

test("every mistake of a request has its pointer", async () => {
  const { status, body } = await ask("boss", "/v1/app-proposals", {
    source: { system: "git", project: "LOOK", slug: "a/b", folder: "../x" },
    yaml: { slug: "x" },
  });
  assert.equal(status, 400);
  assert.deepEqual(
    body.errors?.map(({ pointer }) => pointer),
    ["/source/slug", "/source/folder", "/yaml/project"],
  );
});
