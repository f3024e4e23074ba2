// The list of tasks of some apps, as the portal asks for it on behalf of somebody who may not see the others.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type AgentClient, makeAgentClient, type TaskQuery } from "@gantry/wire/agent/agent-client.ts";
import { registrationOf } from "@gantry/wire/runner/registration.fixture.ts";
import { createRunnerClient } from "@gantry/wire/runner/runner-client.ts";
import { startTaskAgent } from "../main.ts";

const TOKEN = "platform-token-of-this-test";
const SEOUL = "runner-token-of-seoul-0";
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const NEW = "app: new\nparams: { name: { type: string, required: true } }\noutputs: { app: { title: x } }";
const PIPELINES: { readonly [name: string]: string } = { make: NEW, other: NEW, report: "app: none" };

let folder: string;
let agent: Awaited<ReturnType<typeof startTaskAgent>>;
let client: AgentClient;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "gantry-list-tasks-"));
  const jobs = `jobs:\n  work: { site: seoul, steps: [{ id: make, title: Make, run: "true" }] }\n`;
  for (const [name, rest] of Object.entries(PIPELINES))
    await writeFile(join(folder, `${name}.yaml`), `name: ${name}\ntitle: ${name}\nbutton: ${name}\n${rest}\n${jobs}`);
  agent = await startTaskAgent(
    {
      data: join(folder, "data"),
      pipelines: folder,
      portalUrl: "http://portal",
      token: TOKEN,
      runnerTokens: { [SEOUL]: "seoul" },
    },
    { logger: quiet },
  );
  client = makeAgentClient({ url: agent.url, token: TOKEN });
  const start = (pipeline: string, name?: string): Promise<unknown> =>
    client.startTask({
      pipeline,
      params: name === undefined ? {} : { name },
      idempotencyKey: crypto.randomUUID(),
      principal: "ada",
    });
  for (const app of ["a-one", "b-two", "hidden", "c-three"]) {
    await start("make", app);
    await start("report");
  }
  for (const task of (await client.tasks({ pipeline: "make" })).items)
    await client.cancel(task.id, { principal: "ada" });
  for (const app of ["b-two", "a-one", "hidden"]) await start("other", app);
});
after(async () => {
  await agent.close();
  await rm(folder, { recursive: true });
});

/** App and pipeline of all pages. */
async function list(query: TaskQuery): Promise<string[]> {
  const found: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await client.tasks({ ...query, cursor });
    found.push(...page.items.map(({ app, pipeline }) => `${app}/${pipeline}`));
    cursor = page.nextCursor;
    if (cursor === undefined) return found;
    assert.ok(page.items.length > 0 || query.state !== undefined || query.pipeline !== undefined, "an empty page");
  }
}

test("the tasks of some apps come newest first, whatever the size of the pages", async () => {
  const apps = ["a-one", "b-two", "c-three", "unknown"];
  const expected = ["a-one/other", "b-two/other", "c-three/make", "b-two/make", "a-one/make"];
  for (const limit of [1, 2, 3, 50]) assert.deepEqual(await list({ apps, limit }), expected, `${limit} a page`);
  assert.deepEqual(await list({ apps: ["unknown"] }), []);
});

test("the other filters hold, too", async () => {
  const apps = ["a-one", "b-two"];
  assert.deepEqual(await list({ apps, pipeline: "make", limit: 2 }), ["b-two/make", "a-one/make"]);
  assert.deepEqual(await list({ apps, state: "canceled", limit: 2 }), ["b-two/make", "a-one/make"]);
  assert.deepEqual(await list({ apps, app: "hidden" }), []);
  assert.deepEqual(await list({ apps, app: "a-one" }), ["a-one/other", "a-one/make"]);
});

test("the site of a runner is known, also when it is out of service", async () => {
  await createRunnerClient({ url: agent.url, token: () => SEOUL, fetch }).session(registrationOf("seoul-1", "seoul"));
  assert.deepEqual(await client.runnerSite("seoul-1"), { site: "seoul" });
  await client.removeRunner("seoul-1");
  assert.deepEqual(await client.runnerSite("seoul-1"), { site: "seoul" });
  await assert.rejects(client.runnerSite("nobody"), { code: "not-found" });
});
