// Rights on apps: every route with every role, on an app of the caller and on one of another team.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ROLE_VERBS, ROLES } from "@gantry/core/access/roles.ts";
import type { Verb } from "@gantry/core/access/verbs.ts";
import type { Route } from "../http/route.ts";
import { startTestPortal, type TestPortal } from "../portal.fixture.ts";
import { type At, EXPECTED, type Expected, isAllowed, OWN } from "./expected.fixture.ts";
import { ROUTES } from "./routes.ts";

const FOREIGN: At = { app: "canary", task: "t2", site: "perch", runner: "perch-1", pipeline: "canary-nightly" };
const MISSING: At = { app: "nothing", task: "t404", site: "nowhere", runner: "nobody", pipeline: "no-pipeline" };
/** Each token has one built-in role on what is its own, and nothing else. */
const ROLE_NAMES = ROLES.filter((role) => role !== "none");
const POLICY = [
  "bindings:",
  ...ROLE_NAMES.flatMap((role) => [
    `  - { role: ${role}, people: [a-${role}], apps: [orders] }`,
    `  - { role: ${role}, people: [a-${role}], sites: [seoul] }`,
  ]),
  "  - { role: admin, people: [boss] }",
  "deny:",
  '  - { verbs: [view-pipelines], people: ["a-*"], pipelines: ["canary-*"] }',
].join("\n");

const nameOf = (one: Route): string => `${one.method} ${one.path}`;
const tokens = new Map<string, string>();
let portal: TestPortal;

before(async () => {
  portal = await startTestPortal({}, { policy: POLICY });
  portal.agent.addTask({ id: OWN.task });
  portal.agent.addTask({ id: FOREIGN.task, app: FOREIGN.app, pipeline: FOREIGN.pipeline });
  portal.agent.addApp({ name: FOREIGN.app });
  for (const { app } of [OWN, FOREIGN]) portal.agent.addBuild(app, {});
  portal.agent.addPipeline({ name: FOREIGN.pipeline });
  portal.agent.addPipeline({ name: "cd" });
  portal.agent.addPipeline({ name: "cd-plan" });
  portal.agent.addPipeline({ name: "create-app", app: "new" });
  portal.agent.addRunner(OWN.runner, OWN.site);
  portal.agent.addRunner(FOREIGN.runner, FOREIGN.site);
  for (const role of [...ROLE_NAMES, "boss"]) {
    const answer = await portal.ask("/v1/tokens", {
      method: "POST",
      json: { name: role === "boss" ? role : `a-${role}`, role: "none" },
    });
    tokens.set(role, ((await answer.json()) as { token: string }).token);
  }
});
after(() => portal.close());

function request(one: Route, expected: Expected, at: At, token: string): Promise<Response> {
  const body = expected.body?.(at);
  return portal.ask(expected.path(at), {
    method: one.method,
    token,
    headers: {
      "x-request-id": "same",
      "idempotency-key": crypto.randomUUID(),
      "if-match": "*",
      "sec-fetch-site": "same-origin",
      ...(one.form ? { "content-type": "application/x-www-form-urlencoded" } : {}),
    },
    ...(one.form ? { body: expected.form?.() ?? "" } : body === undefined ? {} : { json: body }),
  });
}

/** Everything that a client can tell apart, with the names of what was asked for replaced. */
async function facts(answer: Response, at: At): Promise<string> {
  const headers = [...answer.headers].filter(
    ([name]) => !["date", "content-length", "content-security-policy"].includes(name),
  );
  const text = JSON.stringify([answer.status, headers.sort(), await answer.text()]);
  const names = Object.values(at).toSorted((a, b) => b.length - a.length);
  return names.reduce((rest, name) => rest.replaceAll(name, "NAME"), text);
}

/** Verbs about everything come only from a role that names nothing. */
const ABOUT_ALL: readonly Verb[] = ["manage-settings", "manage-tokens", "manage-people", "view-audit", "view-metrics"];

const ownStatus = (expected: Expected, verbs: readonly Verb[]): number =>
  isAllowed(expected, verbs) ? expected.status : 403;

function foreignStatus(expected: Expected): number {
  if (isAllowed(expected, [])) return expected.status;
  return expected.hides ? 404 : 403;
}

test("every row of the table of rights is a route that is served", () => {
  const served = new Set(ROUTES.map(nameOf));
  const unknown = Object.keys(EXPECTED).filter((name) => !served.has(name));
  assert.deepEqual(
    unknown,
    [],
    "add the route to ROUTES in portal-api/routes/routes.ts, or remove its row from EXPECTED",
  );
});

for (const one of ROUTES) {
  const expected = EXPECTED[nameOf(one)];
  if (!expected) throw new Error(`add a row for "${nameOf(one)}" to EXPECTED in portal-api/routes/expected.fixture.ts`);

  test(`${nameOf(one)}: a role on an app and a site holds there`, async () => {
    for (const role of ROLE_NAMES) {
      const verbs = ROLE_VERBS[role].filter((verb) => !ABOUT_ALL.includes(verb));
      const answer = await request(one, expected, OWN, tokens.get(role) ?? "");
      assert.equal(answer.status, ownStatus(expected, verbs), `${role}: ${await answer.text()}`);
    }
  });

  test(`${nameOf(one)}: what belongs to others is like what does not exist`, async () => {
    for (const role of ROLE_NAMES) {
      const token = tokens.get(role) ?? "";
      const foreign = await request(one, expected, FOREIGN, token);
      const missing = await request(one, expected, MISSING, token);
      assert.equal(foreign.status, foreignStatus(expected), role);
      if (expected.hides) assert.equal(await facts(foreign, FOREIGN), await facts(missing, MISSING), role);
    }
  });

  test(`${nameOf(one)}: a role on everything holds for both`, async () => {
    for (const at of [OWN, FOREIGN]) {
      const answer = await request(one, expected, at, tokens.get("boss") ?? "");
      assert.equal(answer.status, expected.status, `${at.app}: ${await answer.text()}`);
    }
  });
}
