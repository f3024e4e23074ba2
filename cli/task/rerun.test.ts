// `gantry task rerun` against a real portal and a real task-agent.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startPortal } from "@gantry/portal-api/main.ts";
import { freePort } from "@gantry/runtime/free-ports.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import { runCommand } from "../portal.fixture.ts";

const token = "platform-token-of-this-test";
const logger = makeLogger("test", "silent");
const folder = await mkdtemp(join(tmpdir(), "gantry-cli-rerun-"));
const pipelines = join(folder, "pipelines");
await mkdir(pipelines);
const pipelineFile = (script: string): string => `name: p
title: P
summary: s
button: P
app: none
jobs:
  one:
    site: seoul
    steps:
      - run: ${script}
`;
await writeFile(join(pipelines, "p.yaml"), pipelineFile("'true'"));
const port = await freePort();
const config = { data: join(folder, "agent"), port, portalUrl: "http://portal", token, pipelines, runnerTokens: {} };
let agent = await startTaskAgent(config, { logger });
const client = makeAgentClient({ url: agent.url, token, fetch });
const portal = await startPortal(
  { dataDir: join(folder, "portal"), port: 0, agent: { url: agent.url, token } },
  { logger },
);
after(async () => {
  await portal.close();
  await agent.close();
  await rm(folder, { recursive: true });
});

const run = (...argv: string[]) =>
  runCommand(["rerun", ...argv], {
    env: { GANTRY_PORTAL: portal.url, GANTRY_TOKEN_FILE: join(folder, "portal/admin-token") },
  });

test("a task runs again, with the pipeline file that it ran with or with the newest one", async () => {
  const started = await client.startTask({ pipeline: "p", params: {}, principal: "dev", idempotencyKey: "first" });
  await client.cancel(started.id, { principal: "dev" });
  const version = started.definition.version;
  await agent.close();
  await writeFile(join(pipelines, "p.yaml"), pipelineFile("'false'"));
  agent = await startTaskAgent(config, { logger });

  const pinned = await run(started.id);
  assert.equal(pinned.code, 0, pinned.out);
  const id = /task watch (\S+)/.exec(pinned.out)?.[1] ?? "";
  const again = await client.task(id);
  assert.deepEqual([again.rerunOf, again.definition.version], [started.id, version]);

  const newest = await run(started.id, "--newest", "--all", "--json");
  assert.notEqual((JSON.parse(newest.out) as { definition: { version: string } }).definition.version, version);
});

test("says what is missing", async () => {
  assert.match((await run()).out, /TASK is missing[\s\S]*--newest/);
  assert.equal((await run("a", "b")).code, 2);
  assert.equal((await run("--help")).code, 0);
  await assert.rejects(run("none"), { code: "not-found" });
});

test("--plan shows what would run, and starts nothing (A23)", async () => {
  const started = await client.startTask({ pipeline: "p", params: {}, principal: "dev", idempotencyKey: "plan" });
  await client.cancel(started.id, { principal: "dev" });
  const planned = await run(started.id, "--plan");
  assert.equal(planned.code, 0, planned.out);
  assert.match(planned.out, /^JOB +DOES +BECAUSE\none +run +it ended as canceled\n/);
  assert.equal((await client.task(started.id)).reruns, undefined);
  const both = await run(started.id, "--job", "one", "--all");
  assert.equal(both.code, 2, both.out);
  await assert.rejects(run(started.id, "--job", "two", "--plan"), {
    code: "not-found",
    message: "There is no job two.",
  });
  const again = await run(started.id, "--job", "one");
  assert.equal(again.code, 0, again.out);
  assert.equal((await client.task(started.id)).reruns?.length, 1);
});
