// The policy from the folder `roles` of the definitions in force.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startPortal } from "../main.ts";
import { startTestPortal, type TestPortal } from "../portal.fixture.ts";

const ADMIN = { file: "roles/admins.yaml", text: 'bindings:\n  - { role: admin, people: ["root"] }\n' };
const team = (role: string) => ({ file: "roles/team.yaml", text: `bindings:\n  - { role: ${role}, people: [kim] }\n` });
const access = { fromDefinitions: true, pollMs: 10 };

async function open(t: TestContext): Promise<TestPortal> {
  const portal = await startTestPortal({ access });
  t.after(() => portal.close());
  return portal;
}

/** Asks until the answer is the wanted one. */
async function until<T>(ask: () => Promise<T>, wanted: T): Promise<void> {
  while ((await ask()) !== wanted) await new Promise((resolve) => setImmediate(resolve));
}

test("the portal follows the roles of the definitions in force, and keeps the last valid ones", async (t) => {
  const portal = await open(t);
  const may = async (): Promise<string> => {
    const can = async (verb: string): Promise<boolean> =>
      ((await (await portal.ask(`/v1/access/can?verb=${verb}&app=orders&as=kim`)).json()) as { allowed: boolean })
        .allowed;
    return `${await can("view")} ${await can("run-ci")}`;
  };
  const problems = async (): Promise<unknown> =>
    ((await (await portal.ask("/readyz")).json()) as { problems?: string[] }).problems?.[0];
  assert.equal(await may(), "false false", "without a file of roles, only the role of the token counts");

  portal.agent.setDefinitions({ files: [ADMIN, team("viewer")] });
  await until(may, "true false");
  portal.agent.setDefinitions({ files: [ADMIN, team("developer")] });
  await until(may, "true true");

  // Such sets are refused by a task-agent of the same version.
  const kept = "The roles of the definitions are not valid for this portal. The last valid ones stay in force.";
  portal.agent.setDefinitions({ files: [ADMIN, team("conqueror")] });
  await until(problems, kept);
  assert.match(JSON.stringify(portal.lines), /roles\/team\.yaml:2: bindings\.0: there is no role conqueror/);
  assert.equal(await may(), "true true");
  portal.agent.setDefinitions({ files: [ADMIN] });
  await until(may, "false false");
  assert.equal(await problems(), undefined);
  portal.agent.setDefinitions({ files: [] });
  await until(problems, kept);
});

test("the roles survive an outage of the task-agent and a restart; before they were read once, nobody may do anything", async (t) => {
  const portal = await open(t);
  portal.agent.setDefinitions({ files: [ADMIN, team("viewer")] });
  const dataDir = `${portal.dir}/another`;
  const start = async (known: boolean) => {
    const another = await startPortal({
      ...{ port: 0, dataDir, agent: { url: portal.agent.url, token: portal.agent.token }, access, logLevel: "silent" },
    });
    const headers = { authorization: `Bearer ${another.adminToken}`, "content-type": "application/json" };
    const answer = await fetch(`${another.url}/v1/access/can?verb=manage-tokens&as=root`, { headers });
    const body = JSON.stringify(await answer.json());
    assert.equal(answer.status, known ? 200 : 403, body);
    await another.close();
    return body;
  };
  portal.agent.setOut(true);
  assert.match(await start(false), /The roles have never been read from the task-agent/);
  portal.agent.setOut(false);
  assert.match(await start(true), /"allowed":true/);
  portal.agent.setOut(true);
  assert.match(await start(true), /"allowed":true/);
});

test("a policy file and roles of the definitions exclude each other, and roles without effect are told", async (t) => {
  const config = { dataDir: "unused", agent: { url: "http://localhost:1", token: "a-token-of-the-agent" } };
  await assert.rejects(startPortal({ ...config, access: { policy: "roles.yaml", fromDefinitions: true } }), {
    details: {
      problem:
        "access names a policy file and takes the policy from the definitions, too: remove policy or fromDefinitions",
    },
  });
  const portal = await startTestPortal({}, { policy: ADMIN.text });
  t.after(() => portal.close());
  portal.agent.setDefinitions({ files: [ADMIN] });
  const view = (await (await portal.ask("/v1/definitions")).json()) as {
    notes?: string[];
    inForce: { files?: object[] };
  };
  assert.deepEqual(view.notes, [
    "The files of roles give no rights, because the portal reads its policy from a file: set `access.fromDefinitions` there.",
  ]);
  assert.equal(view.inForce.files?.length, 1);
  const viewer = await portal.ask("/v1/definitions", { token: await portal.tokenOf("viewer") });
  assert.equal(((await viewer.json()) as typeof view).inForce.files, undefined, "not for everybody who sees pipelines");
});

test("a file of a site that no runner serves is in force, and is told to have no effect", async (t) => {
  const portal = await startTestPortal();
  t.after(() => portal.close());
  const files = ["sites/seoul.yaml", "sites/soul.yaml"].map((file) => ({ file, text: "defaults: {}\n" }));
  portal.agent.setDefinitions({ files });
  const view = (await (await portal.ask("/v1/definitions")).json()) as { notes?: string[] };
  assert.deepEqual(view.notes, [
    "sites/soul.yaml has no effect, because no runner serves a site soul (did you mean seoul?).",
  ]);
});

type Entry = { readonly kind: string; readonly verb?: string; readonly on?: Record<string, string> };
const changesOf = async (portal: TestPortal): Promise<readonly Entry["on"][]> => {
  const answer = await portal.ask("/v1/audit?verb=change%20the%20policy");
  return ((await answer.json()) as { items: Entry[] }).items.map(({ on }) => on);
};

test("who gets rights by a push to the definitions, or loses them, is in the audit log, with the commit", async (t) => {
  const portal = await open(t);
  const repository = { project: "PLATFORM", slug: "definitions", branch: "main" };
  const push = (commit: string, files: { file: string; text: string }[]): void =>
    portal.agent.setDefinitions({
      source: { kind: "git", repository, commit, subject: "Tidy up", task: `t-${commit}` },
      files,
    });
  push("c1", [ADMIN, team("viewer")]);
  await until(async () => (await changesOf(portal)).length, 1);
  push("c2", [ADMIN, team("admin")]);
  await until(async () => (await changesOf(portal)).length, 2);
  const [newest, first] = await changesOf(portal);
  assert.match(first?.added ?? "", /"people":\["root"\],"role":"admin".*"people":\["kim"\],"role":"viewer"/);
  assert.equal(first?.removed, undefined);
  assert.deepEqual([newest?.source, newest?.commit, newest?.task], ["PLATFORM/definitions main", "c2", "t-c2"]);
  assert.match(newest?.added ?? "", /^binding \{.*"people":\["kim"\],"role":"admin"\}$/);
  assert.match(newest?.removed ?? "", /^binding \{.*"people":\["kim"\],"role":"viewer"\}$/);
  // The same rules from another commit give nobody anything.
  push("c3", [team("admin"), ADMIN]);
  push("c4", [ADMIN, team("developer")]);
  await until(async () => (await changesOf(portal)).length, 3);
  assert.equal((await changesOf(portal))[0]?.commit, "c4");
  assert.equal((await portal.ask("/v1/audit/entries")).status, 200);
});
