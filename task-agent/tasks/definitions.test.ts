import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { systemClock } from "@gantry/runtime/clock.ts";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import { type AlarmKind, openAlarms } from "../alarms.ts";
import { startTaskAgent } from "../main.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { openDefinitions } from "./definitions.ts";

const TOKEN = "platform-token-of-this-test";
const text = (name: string, script: string): string =>
  `name: ${name}\napp: none\njobs:\n  work: { site: seoul, steps: [{ run: "${script}" }] }\n`;

async function folderWith(t: TestContext, files: { readonly [name: string]: string }) {
  const folder = await mkdtemp(join(tmpdir(), "gantry-definitions-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const write = (name: string, content: string): Promise<void> => writeFile(join(folder, name), content);
  for (const [name, content] of Object.entries(files)) await write(name, content);
  return { folder, write };
}

test("a bad pipeline file does not keep the task-agent from starting: the last good set runs tasks, and an alarm is raised", async (t) => {
  const { folder, write } = await folderWith(t, { "a.yaml": text("a", "one"), "b.yaml": text("b", "one") });
  const alarms: string[] = [];
  const silent = (): void => {};
  const error = (fields: object): void => {
    if ("alarm" in fields) alarms.push(String(fields.alarm));
  };
  const start = () =>
    startTaskAgent(
      { data: folder, portalUrl: "http://portal", token: TOKEN, runnerTokens: {}, pipelines: folder },
      { logger: { debug: silent, info: silent, warn: silent, error } },
    );
  const readiness = async (url: string): Promise<unknown> => (await fetch(`${url}/readyz`)).json();

  const good = await start();
  assert.deepEqual(await readiness(good.url), { status: "ok" });
  const before = (await makeAgentClient({ url: good.url, token: TOKEN }).pipelines()).items;
  await good.close();

  await write("a.yaml", text("a", "two"));
  await write("b.yaml", "name: b\njobs:\n  work: { steps: [{ run: x }] }\n");
  const degraded = await start();
  t.after(() => degraded.close());
  const client = makeAgentClient({ url: degraded.url, token: TOKEN });
  assert.deepEqual((await client.pipelines()).items, before, "not half of the new set");
  assert.equal(
    (await client.startTask({ pipeline: "b", params: {}, idempotencyKey: "k", principal: "dev" })).pipeline,
    "b",
  );
  assert.deepEqual(alarms, ["pipelines-refused"]);
  assert.deepEqual(await readiness(degraded.url), {
    status: "degraded",
    problems: ["The pipeline files have mistakes, the first one in b.yaml:3. The last good set stays in force."],
  });
});

test("a folder of pipeline files that is gone leaves the last good set in force", async (t) => {
  const { folder } = await folderWith(t, { "a.yaml": text("a", "one") });
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES });
  await openDefinitions(folder, [], journal);
  await rm(folder, { recursive: true });
  const raised: AlarmKind[] = [];
  const alarms = {
    ...openAlarms({ error: () => {} }, systemClock),
    raise: (kind: AlarmKind) => void raised.push(kind),
  };
  const definitions = await openDefinitions(folder, [], journal, { alarms });
  assert.equal(definitions.current("a")?.pipeline.name, "a");
  assert.deepEqual(raised, ["pipelines-refused"]);
});

test("the last good set is the last one that was in force, not an older one", async (t) => {
  const { folder, write } = await folderWith(t, { "a.yaml": text("a", "one") });
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES });
  await openDefinitions(folder, [], journal);
  await write("a.yaml", text("a", "two"));
  const good = await openDefinitions(folder, [], journal);
  await write("a.yaml", "name: a\n");
  const bad = await openDefinitions(folder, [], journal);
  assert.equal(bad.current("a")?.version, good.current("a")?.version);
});

test("at the first start, a bad pipeline file is an error with file and line", async (t) => {
  const { folder } = await folderWith(t, { "a.yaml": "name: a\njobs:\n  work: { steps: [{ run: x }] }\n" });
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES });
  await assert.rejects(openDefinitions(folder, [], journal), {
    code: "pipeline-invalid",
    problems: [{ file: "a.yaml", line: 3, column: 3, detail: "site is missing" }],
  });
});

test("two files with one pipeline name are a mistake, not a race", async (t) => {
  const { folder } = await folderWith(t, { "a.yaml": text("a", "one"), "copy.yaml": text("a", "two") });
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES });
  await assert.rejects(openDefinitions(folder, [], journal), {
    code: "pipeline-invalid",
    problems: [{ file: "copy.yaml", line: 1, detail: "the name a is that of the pipeline in a.yaml; use another one" }],
  });
});

test("a template is a part of the version of the pipelines that include it, and a broken one refuses the set", async (t) => {
  const { folder, write } = await folderWith(t, {});
  await mkdir(join(folder, "pipelines"));
  await mkdir(join(folder, "includes"));
  const template = (script: string) => write("includes/work.yaml", `steps: [{ run: "${script}" }]\n`);
  const including = "name: a\napp: none\njobs:\n  work: { site: seoul, steps: [{ include: work }] }\n";
  await write("pipelines/a.yaml", including);
  await write("pipelines/b.yaml", text("b", "x"));
  await template("one");
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES });
  const first = await openDefinitions(folder, [], journal);
  const [a1, b1] = [first.current("a"), first.current("b")];
  assert.deepEqual(a1?.pipeline.jobs[0]?.steps[0]?.action, { kind: "run", run: "one", shell: "sh" });
  assert.deepEqual(
    first.others().map(({ file }) => file),
    ["includes/work.yaml"],
  );
  await template("two");
  const second = await openDefinitions(folder, [], journal);
  assert.notEqual(second.current("a")?.version, a1?.version);
  assert.equal(second.current("b")?.version, b1?.version);
  const pinned = await second.pinned(a1?.version ?? "");
  assert.deepEqual(pinned.jobs[0], a1?.pipeline.jobs[0], "a task keeps its template");
  await write("includes/unused.yaml", "stepps: []\n");
  const third = await openDefinitions(folder, [], journal);
  assert.deepEqual(
    third.refused()?.problems.map(({ file, line, detail }) => `${file}:${line} ${detail}`),
    [
      "includes/unused.yaml:1 unknown key stepps (did you mean steps?)",
      "includes/unused.yaml:1 the template must have `job` or `steps`, and not both",
    ],
  );
});
