import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { newMemoryStore, openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import { registrationOf } from "@gantry/wire/runner/registration.fixture.ts";
import { createRunnerClient } from "@gantry/wire/runner/runner-client.ts";
import { startTaskAgent } from "../main.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { openDefinitions } from "../tasks/definitions.ts";

const TOKEN = "platform-token-of-this-test";
const text = (name: string, script = "x"): string =>
  `name: ${name}\napp: none\njobs:\n  work: { site: seoul, steps: [{ run: "${script}" }] }\n`;

async function folderWith(t: TestContext, files: { readonly [path: string]: string }) {
  const folder = await mkdtemp(join(tmpdir(), "gantry-set-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const write = async (path: string, content: string): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  };
  for (const [path, content] of Object.entries(files)) await write(path, content);
  return { folder, write };
}

async function until<T>(ask: () => Promise<T>, isDone: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isDone(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("a folder of definitions with five mistakes is refused in place while the old set serves, and counts when it is corrected, without a restart", async (t) => {
  const { folder, write } = await folderWith(t, {
    "pipelines/a.yaml": text("a"),
    "pipelines/b.yaml": text("b"),
    "environments.yaml": "environments:\n  production: { requires: { tests: true } }\n",
    "compose.yaml": "services: {}\n",
  });
  const data = await mkdtemp(join(tmpdir(), "gantry-set-data-"));
  t.after(() => rm(data, { recursive: true, force: true }));
  const silent = (): void => {};
  const alarms: string[] = [];
  const error = (fields: object): void => {
    if ("alarm" in fields) alarms.push(String(fields.alarm));
  };
  const agent = await startTaskAgent(
    { data, portalUrl: "http://portal", token: TOKEN, pipelines: folder },
    { logger: { debug: silent, info: silent, warn: silent, error } },
  );
  t.after(() => agent.close());
  const client = makeAgentClient({ url: agent.url, token: TOKEN });
  const names = async (): Promise<string> => (await client.pipelines()).items.map(({ name }) => name).join();
  assert.equal(await names(), "a,b,check-systems");

  await write("environments.yaml", "environments:\n  production: { requires: { tests: often } }\n");
  await write("pipelines/a.yaml", "name: a\njobs:\n  work: { steps: [{ run: x }] }\n");
  await write("pipelines/b.yaml", text("c"));
  await write("pipelines/c.yaml", text("c"));
  await write("pipelines/d.yml", text("d"));
  await write("pipelines/e.yaml", text("definitions-sync"));
  await write("roles/ours.yaml", "bindings:\n  - { role: develper, people: [kim] }\n");
  await write(
    "rules/ours.yaml",
    'rules:\n  - { name: a, when: event.kind == "TaskEnd", oncePer: task.id, send: [{ channel: ops }] }\n',
  );
  await write("sites/seoul.yaml", "params:\n  c: { place: here }\n");
  const { refused, inForce } = await until(client.definitions, (view) => view.refused !== undefined);
  assert.deepEqual(
    refused?.problems.map(({ file, line, detail }) => `${file}:${line} ${detail}`),
    [
      "environments.yaml:2 environments.production.requires: tests must be true or false",
      "pipelines/a.yaml:3 site is missing",
      "pipelines/c.yaml:1 the name c is that of the pipeline in pipelines/b.yaml; use another one",
      "pipelines/d.yml:1 the name must end in .yaml",
      "pipelines/e.yaml:1 the name definitions-sync is that of a pipeline of Gantry; remove this file, or use another name",
      "roles/ours.yaml:2 bindings.0: there is no role develper (did you mean developer?)",
      'rules/ours.yaml:2 rules.0: the expression is not valid: there is no event of kind "TaskEnd" (did you mean TaskEnded?)',
      "sites/seoul.yaml:2 params.c: the pipeline c has no param place",
    ],
  );
  assert.equal(refused?.count, 8);
  assert.deepEqual(
    inForce.definitions.map(({ file }) => file),
    ["pipelines/a.yaml", "pipelines/b.yaml"],
  );
  assert.deepEqual(inForce.environments, ["production"]);
  assert.deepEqual(alarms, ["pipelines-refused"]);
  assert.equal(await names(), "a,b,check-systems");
  const start = (pipeline: string) =>
    client.startTask({ pipeline, params: {}, idempotencyKey: pipeline, principal: "dev" });
  assert.equal((await start("b")).pipeline, "b");

  await write("environments.yaml", "environments: {}\n");
  await write("pipelines/a.yaml", text("a", "two"));
  await write("pipelines/b.yaml", text("b"));
  await rm(join(folder, "pipelines/d.yml"));
  await rm(join(folder, "pipelines/e.yaml"));
  for (const one of ["roles", "rules", "sites"]) await rm(join(folder, one), { recursive: true });
  assert.equal(await until(names, (list) => list !== "a,b,check-systems"), "a,b,c,check-systems");
  assert.equal((await client.definitions()).refused, undefined);
  assert.equal((await start("c")).pipeline, "c");
  await assert.rejects(client.syncDefinitions("dev"), {
    code: "conflict",
    details: {
      what: "The definitions",
      problem: "are not read from git",
      why: "The configuration of the task-agent names no repository in `definitions`.",
      todo: "To read them from git, add it: docs/definitions.md.",
    },
  });
});

test("a pipeline finds the defaults of each site, as they were when its task was requested", async (t) => {
  const pipeline = `name: a
app: none
params:
  where: { type: string, ui: site, required: true }
  limit: { type: string, enum: [low, high], default: high }
  project: { type: string, required: true }
jobs:
  work:
    site: \${{ params.where }}
    labels: \${{ defaults.?labels.orValue(["any"]) }}
    steps: [{ run: x, env: { PROJECT: "\${{ defaults.project }}" } }]
`;
  const { folder, write } = await folderWith(t, {
    "pipelines/a.yaml": pipeline,
    "sites/seoul.yaml":
      "params: { a: { limit: low, project: seoul-apps } }\ndefaults: { labels: [big, java], project: x }\n",
  });
  const data = await mkdtemp(join(tmpdir(), "gantry-set-data-"));
  t.after(() => rm(data, { recursive: true, force: true }));
  const silent = (): void => {};
  const agent = await startTaskAgent(
    {
      ...{ data, portalUrl: "http://portal", token: TOKEN, pipelines: folder },
      runnerTokens: { [`${TOKEN}-seoul`]: "seoul", [`${TOKEN}-tokyo`]: "tokyo" },
    },
    { logger: { debug: silent, info: silent, warn: silent, error: silent } },
  );
  t.after(() => agent.close());
  for (const site of ["seoul", "tokyo"])
    await createRunnerClient({ fetch, url: agent.url, token: () => `${TOKEN}-${site}` }).session(
      registrationOf(site, site),
    );
  const client = makeAgentClient({ url: agent.url, token: TOKEN });
  const start = async (params: Record<string, string>) => {
    const request = { pipeline: "a", params, idempotencyKey: JSON.stringify(params), principal: "dev" };
    const task = await client.startTask(request);
    const waiting = await until(
      () => client.task(task.id),
      ({ jobs }) => jobs[0]?.waiting !== undefined,
    );
    return { params: task.params, waiting: waiting.jobs[0]?.waiting?.text ?? "" };
  };
  const { params, waiting } = await start({ where: "seoul" });
  assert.deepEqual(params, { where: "seoul", limit: "low", project: "seoul-apps" });
  assert.match(waiting, /big/);
  assert.match(waiting, /java/);
  assert.deepEqual((await start({ where: "seoul", limit: "high" })).params.limit, "high", "what is given counts");
  await assert.rejects(start({ where: "tokyo" }), { code: "bad-params" });
  const other = await start({ where: "tokyo", project: "y" });
  assert.deepEqual(other.params, { where: "tokyo", limit: "high", project: "y" });
  assert.match(other.waiting, /any/);
  const events = JSON.stringify(await client.feed({ after: 0, limit: 100 }));
  assert.doesNotMatch(events, /siteDefaults/, "who sees a task may not see all sites");

  const digest = async () => (await client.definitions()).inForce.files?.[0]?.digest;
  const before = await digest();
  await write("sites/seoul.yaml", "defaults: { labels: [small] }\n");
  await until(digest, (now) => now !== before);
  assert.match((await start({ where: "seoul", project: "z" })).waiting, /small/);
});

test("agents that share a journal agree on the set in force: the one whose folder changed last decides", async (t) => {
  const first = await folderWith(t, { "a.yaml": text("a", "one") });
  const second = await folderWith(t, { "a.yaml": text("a", "one") });
  const store = newMemoryStore();
  const open = (folder: string) =>
    openDefinitions(folder, [], openMemoryJournal({ indexes: AGENT_INDEXES, store }), {});
  const [one, two] = [await open(first.folder), await open(second.folder)];
  const tick = async (): Promise<void> => {
    for (let round = 0; round < 3; round += 1) for (const agent of [one, two]) await agent.tick();
  };
  const versions = () => [one, two].map((agent) => agent.current("a")?.version);

  const old = one.current("a")?.version;
  await first.write("a.yaml", text("a", "two"));
  await tick();
  const [new1, new2] = versions();
  assert.equal(new1, new2);
  assert.notEqual(new1, old);

  await second.write("a.yaml", "name: a\n");
  await tick();
  assert.deepEqual(versions(), [new1, new1]);
  assert.equal(one.refused(), undefined);
  assert.equal(two.refused()?.problems[0]?.file, "a.yaml");

  await second.write("a.yaml", text("a", "three"));
  await tick();
  assert.equal(versions()[0], versions()[1]);
  assert.notEqual(versions()[0], new1);
});

test("a folder that was emptied, for example a volume that is not mounted, leaves the set in force", async (t) => {
  const { folder } = await folderWith(t, { "a.yaml": text("a") });
  const definitions = await openDefinitions(folder, [], openMemoryJournal({ indexes: AGENT_INDEXES }), {});
  await rm(join(folder, "a.yaml"));
  for (let round = 0; round < 3; round += 1) await definitions.tick();
  assert.deepEqual(
    definitions.list().map(({ pipeline }) => pipeline.name),
    ["a"],
  );
  assert.deepEqual(definitions.problems?.(), ["The pipeline files are missing. The last good set stays in force."]);
});
