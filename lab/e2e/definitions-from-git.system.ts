// Pipelines of a company in its own git repository: read by a runner at site `platform`, checked by the task-agent, seen by
// people through the portal.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runCommand } from "@gantry/cli/portal.fixture.ts";
import { ACCOUNTS, startLabHost } from "@gantry/connectors/git/lab.fixture.ts";
import { pushAsSomebody, seed, tagMain } from "@gantry/connectors/git/lab-git.fixture.ts";
import { startPortal } from "@gantry/portal-api/main.ts";
import { freePort } from "@gantry/runtime/free-ports.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { startRunner } from "@gantry/task-runner/main.ts";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { DefinitionsView } from "@gantry/wire/agent/definitions.ts";

const token = "platform-token-of-this-test";
const runnerToken = "runner-token-of-this-test";
const logger = makeLogger("test", "silent");
const pipeline = (name: string, script = "x"): string =>
  `name: ${name}\napp: none\njobs:\n  work: { site: seoul, steps: [{ run: "${script}" }] }\n`;

async function open(t: TestContext, branch = "main", access = {}) {
  const folder = await mkdtemp(join(tmpdir(), "gantry-from-git-"));
  const lab = await startLabHost("bitbucket-dc", join(folder, "git"));
  await seed(lab, "definitions", { "pipelines/a.yaml": pipeline("a"), "README.md": "ours", "compose.yaml": "x: 1\n" });
  const config = {
    data: join(folder, "agent"),
    port: await freePort(),
    portalUrl: "http://portal",
    token,
    runnerTokens: { [runnerToken]: "platform" },
    definitions: { project: lab.project, slug: "definitions", branch, every: "1h" },
  };
  let agent = await startTaskAgent(config, { logger });
  await mkdir(join(folder, "runner"));
  await writeFile(join(folder, "git-token"), ACCOUNTS[0]?.token ?? "");
  const runner = await startRunner(
    {
      name: "platform-1",
      site: "platform",
      agent: agent.url,
      token: runnerToken,
      data: join(folder, "runner"),
      isolation: "none",
      systems: { git: { kind: "git", provider: "bitbucket-dc", url: lab.server.url, token: "GIT" } },
      secrets: { GIT: { file: join(folder, "git-token") } },
    },
    { logger },
  );
  const portal = await startPortal(
    { dataDir: join(folder, "portal"), port: 0, agent: { url: agent.url, token }, access },
    { logger },
  );
  t.after(async () => {
    await portal.close();
    await runner.close({ drainMs: 0 });
    await agent.close();
    await lab.server.close();
    await rm(folder, { recursive: true });
  });
  const client = makeAgentClient({ url: agent.url, token });
  const env = { GANTRY_PORTAL: portal.url, GANTRY_TOKEN_FILE: join(folder, "portal/admin-token") };
  return {
    folder,
    client,
    push: (files: Readonly<Record<string, string>>, to?: string, removed?: readonly string[]) =>
      pushAsSomebody(lab, "definitions", files, to, removed),
    tag: (name: string) => tagMain(lab, "definitions", name),
    gantry: (...argv: string[]) => runCommand(["definitions", ...argv], { env }),
    can: async (...argv: string[]) => (await runCommand(["can", ...argv], { env })).code === 0,
    restart: async () => {
      await agent.close();
      agent = await startTaskAgent(config, { logger });
    },
  };
}

test("a company's pipelines come from its git repository; five mistakes are refused in place while the old ones serve", async (t) => {
  const { folder, client, push, gantry, restart } = await open(t);
  const names = async (): Promise<string> => (await client.pipelines()).items.map(({ name }) => name).join();
  assert.match(await names(), /create-app/, "what ships, until the repository has been read");

  // The schedule may have asked already.
  const first = await gantry("sync", "--json");
  assert.equal(first.code, 0, first.out);
  const { inForce } = JSON.parse(first.out) as DefinitionsView;
  assert(inForce.source?.kind === "git");
  assert.deepEqual(
    inForce.definitions.map(({ file }) => file),
    ["pipelines/a.yaml"],
  );
  assert.equal(await names(), "a,check-systems");
  // Who may see tasks may not see all pipelines.
  const task = await client.task(inForce.source.task);
  const [, publish] = task.jobs[0]?.steps ?? [];
  assert.deepEqual(publish?.outputs, { files: 2 }, "the files themselves are not shown");
  const events = JSON.stringify([
    await client.taskEvents(task.id, 0, 1_000),
    await client.feed({ after: 0, limit: 1_000 }),
  ]);
  assert.match(events, /"outputs":\{"files":2\}/);
  assert.doesNotMatch(events, /bundle/);

  const bad = await push({
    "environments.yaml": "environments:\n  production: { requires: { tests: often } }\n",
    "pipelines/a.yaml": "name: a\njobs:\n  work: { steps: [{ run: x }] }\n",
    "pipelines/b.yaml": pipeline("definitions-sync"),
    "pipelines/c.yaml": "name: c\njobs:\n  work: { site: seoul, steps: [{ uses: git/chekcout }] }\n",
    "pipelines/d.yaml": "name: [d\n",
  });
  const refused = await gantry("sync");
  assert.equal(refused.code, 1);
  assert.match(refused.out, new RegExp(`Refused: Commit ${bad.slice(0, 12)}, at .*, because of 5 mistakes:`));
  for (const place of [
    "environments.yaml:2",
    "pipelines/a.yaml:3",
    "pipelines/b.yaml:1",
    "pipelines/c.yaml:3",
    "pipelines/d.yaml:",
  ])
    assert.ok(refused.out.includes(`  ${place}`), place);
  assert.match(refused.out, /git\/checkout/, "a suggestion");
  assert.match(refused.out, new RegExp(`In force: commit ${inForce.source.commit.slice(0, 12)}`));
  assert.equal(await names(), "a,check-systems");

  await restart();
  assert.equal(await names(), "a,check-systems", "not the folder, and not half of the new set");
  assert.equal((await gantry()).code, 1);

  const good = await push({
    "environments.yaml": "environments: {}\n",
    "params.yaml": "b: { place: { default: here, choices: [here, there] } }\n",
    "pipelines/a.yaml": pipeline("a", "two"),
    "pipelines/b.yaml": pipeline("b").replace("jobs:", "params: { place: { type: string, required: true } }\njobs:"),
    "pipelines/c.yaml": pipeline("c"),
    "pipelines/d.yaml": pipeline("d"),
  });
  const corrected = await gantry("sync");
  assert.equal(corrected.code, 0, corrected.out);
  assert.match(corrected.out, new RegExp(`In force: commit ${good.slice(0, 12)} of APPS/definitions, branch main`));
  assert.equal(await names(), "a,b,c,d,check-systems");
  const place = (params: { place?: string }) =>
    client.startTask({ pipeline: "b", params, principal: "dev", idempotencyKey: JSON.stringify(params) });
  assert.deepEqual((await place({})).params, { place: "here" }, "as the installation presets it");
  await assert.rejects(place({ place: "elsewhere" }), { code: "bad-params" });

  await mkdir(join(folder, "copy/pipelines"), { recursive: true });
  await writeFile(join(folder, "copy/pipelines/a.yaml"), pipeline("a", "three"));
  await writeFile(
    join(folder, "copy/pipelines/b.yaml"),
    pipeline("b").replace("jobs:", "params: { place: { type: string, required: true } }\njobs:"),
  );
  await writeFile(join(folder, "copy/pipelines/new.yaml"), pipeline("new"));
  const diff = await gantry("diff", join(folder, "copy"));
  assert.deepEqual(
    [diff.code, diff.out],
    [
      1,
      [
        "~ pipelines/a.yaml  changed",
        "+ pipelines/new.yaml  added",
        ...["pipelines/c.yaml", "pipelines/d.yaml", "environments.yaml", "params.yaml"].map(
          (file) => `- ${file}  removed`,
        ),
        "",
      ].join("\n"),
    ],
  );
});

test("the roles of the repository give rights; a set that would leave nobody as an administrator is refused", async (t) => {
  const { folder, push, gantry, can } = await open(t, "main", { fromDefinitions: true, pollMs: 20 });
  const kimMay = async (wanted: boolean): Promise<void> => {
    while ((await can("run-cd", "orders", "--as", "kim")) !== wanted)
      await new Promise((resolve) => setImmediate(resolve));
  };
  const admins = 'bindings:\n  - { role: admin, people: ["corp:root"] }\n';
  await push({
    "roles/admins.yaml": admins,
    "roles/payments.yaml": "bindings:\n  - { role: deployer, people: [kim], apps: [orders] }\n",
    "roles/shared.yaml": "roles:\n  deployer: { extends: viewer, verbs: [run-cd] }\n",
  });
  assert.equal((await gantry("sync")).code, 0);
  await kimMay(true);
  assert.match((await gantry()).out, /\n +sha256:[0-9a-f]{12} +roles\/admins\.yaml\n/, "its version is shown");

  await push({
    "roles/admins.yaml": `${admins}deny:\n  - { verbs: ["*"], people: ["*"], reason: oops }\n`,
    "roles/shared.yaml": "roles:\n  deployer: { extends: viewer, verbs: [run-cd, fly] }\n",
    "roles/more.yml": "bindings: []\n",
  });
  const refused = await gantry("sync");
  assert.equal(refused.code, 1);
  for (const mistake of [
    "roles/more.yml:1  the name must end in .yaml",
    "roles/shared.yaml:2:48  roles.deployer: element 2 of verbs must be one of",
  ])
    assert.ok(refused.out.includes(`  ${mistake}`), refused.out);
  await push({ "roles/shared.yaml": "roles:\n  deployer: { verbs: [run-cd] }\n" }, "main", ["roles/more.yml"]);
  assert.match(
    (await gantry("sync")).out,
    /roles\/admins\.yaml:1:1 {2}nobody would be an administrator: a deny covers/,
  );
  await push({}, "main", ["roles/admins.yaml", "roles/payments.yaml", "roles/shared.yaml"]);
  assert.match((await gantry("sync")).out, /the folder roles is missing, and nobody would be an administrator/);
  assert.equal(await can("run-cd", "orders", "--as", "kim"), true, "the last good set stays in force");

  await mkdir(join(folder, "copy/roles"), { recursive: true });
  await writeFile(join(folder, "copy/roles/admins.yaml"), `${admins}# more\n`);
  assert.match((await gantry("diff", join(folder, "copy"))).out, /~ roles\/admins\.yaml {2}changed\n- pipelines/);
  await push({ "roles/admins.yaml": admins });
  assert.equal((await gantry("sync")).code, 0);
  await kimMay(false);
});

test("a definitions task cannot be started by people, and its pipeline cannot be replaced", async (t) => {
  const { client, gantry } = await open(t);
  const request = { pipeline: "definitions-sync", params: { project: "X", slug: "x", branch: "x" } };
  await assert.rejects(client.startTask({ ...request, principal: "eve", idempotencyKey: "k" }), {
    code: "pipeline-unknown",
  });
  assert.equal((await gantry("diff")).code, 2);
});

test("only the branch of the configuration counts: no other branch, and no tag with its name", async (t) => {
  const { client, gantry, push, tag } = await open(t, "released");
  const names = async (): Promise<readonly string[]> => (await client.pipelines()).items.map(({ name }) => name);
  const shipped = await names();
  await push({ "pipelines/mine.yaml": pipeline("mine") }, "feature");
  await tag("released");
  const tagged = await gantry("sync");
  assert.equal(tagged.code, 1);
  assert.match(tagged.out, /There is no branch released: only refs\/tags\/released, which does not count/);
  assert.deepEqual(await names(), shipped);
  await push({ "pipelines/ours.yaml": pipeline("ours") }, "released");
  assert.equal((await gantry("sync")).code, 0);
  assert.deepEqual(await names(), ["a", "ours", "check-systems"]);
});
