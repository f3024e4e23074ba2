// Runners of a site that divide the work: no process that deploys runs the code of a repository.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { type AgentClient, makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { SessionRequest } from "@gantry/wire/runner/protocol.ts";
import { startTaskAgent } from "../main.ts";
import { ScriptedRunner } from "../runner-protocol/runner.fixture.ts";
import { chooseRunner, type RunnerFacts } from "./decide-runner.ts";

const TOKEN = "platform-token-of-this-test";
const SEOUL = "runner-token-of-seoul-0";
const SYNC = `{ uses: argocd/sync, with: { app: a, project: a, revision: ${"c0".repeat(20)} } }`;
const pipeline = (name: string, jobs: string): string =>
  `name: ${name}\ntitle: ${name}\nbutton: Run\napp: none\njobs:\n${jobs}`;
const PIPELINES: Readonly<Record<string, string>> = {
  divided: `  work: { site: seoul, steps: [{ run: "true" }] }\n  ship: { site: seoul, steps: [${SYNC}] }\n`,
  mixed: `  work: { site: seoul, steps: [{ run: "true" }, ${SYNC}] }\n`,
};

async function open(t: TestContext): Promise<{
  client: AgentClient;
  runner: (name: string, runs?: SessionRequest["runs"]) => Promise<ScriptedRunner>;
}> {
  const data = await mkdtemp(join(tmpdir(), "gantry-work-"));
  for (const [name, jobs] of Object.entries(PIPELINES))
    await writeFile(join(data, `${name}.yaml`), pipeline(name, jobs));
  const logger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const config = {
    data,
    portalUrl: "http://portal",
    token: TOKEN,
    runnerTokens: { [SEOUL]: "seoul" },
    pipelines: data,
  };
  const agent = await startTaskAgent(config, { logger });
  t.after(async () => {
    await agent.close();
    await rm(data, { recursive: true });
  });
  return {
    client: makeAgentClient({ url: agent.url, token: TOKEN }),
    runner: (name, runs) => ScriptedRunner.signIn(agent.url, SEOUL, "seoul", name, [], { ...(runs ? { runs } : {}) }),
  };
}

async function waiting(client: AgentClient, task: string): Promise<{ code: string; text: string }> {
  let { last } = await client.feed({ limit: 1 });
  for (;;) {
    const seen = await client.task(task);
    if (seen.waiting) return seen.waiting;
    last = (await client.feed({ after: last, limit: 100, waitMs: 5_000 })).last;
  }
}

const request = (name: string) => ({ pipeline: name, params: {}, idempotencyKey: name, principal: "kim" });

test("a runner for build jobs gets the scripts, a runner for deploy jobs the steps that deploy", async (t) => {
  const { client, runner } = await open(t);
  const [build, deploy] = [await runner("build-1", ["build"]), await runner("deploy-1", ["deploy"])];
  await client.startTask(request("divided"));
  const [script, sync] = await Promise.all([build.takeJob(), deploy.takeJob()]);
  assert.deepEqual([script.ref.job, sync.ref.job], ["work", "ship"]);
  assert.deepEqual((await build.pollAll(1, 0)).offers, []);
});

test("a job with both waits, and the reason says what to do; a runner that takes both gets it", async (t) => {
  const { client, runner } = await open(t);
  await runner("build-1", ["build"]);
  await runner("deploy-1", ["deploy"]);
  const { id } = await client.startTask(request("mixed"));
  assert.deepEqual(await waiting(client, id).then(({ code, text }) => ({ code, text })), {
    code: "no-work",
    text: "Waiting for a runner for build and deploy jobs at seoul: build-1 takes build jobs, deploy-1 takes deploy jobs. Put scripts and the steps that deploy into two jobs.",
  });
  // An older runner does not say what it takes: it takes everything.
  assert.equal((await (await runner("old-1")).takeJob()).ref.job, "work");
});

test("among free runners, one for a single kind of work is preferred; only one that checks gets an app's own pipeline", () => {
  const runner = (name: string, runs: RunnerFacts["runs"]): RunnerFacts => ({
    ...{ runner: name, session: name, site: "seoul", labels: [], slots: 2, free: 1, alive: true, polling: true },
    ...{ warm: name === "both" ? ["orders"] : [], lastHeard: "2026-01-01T00:00:00.000Z", runs },
  });
  const all = [runner("old", undefined), runner("both", ["build", "deploy"]), runner("build", ["build"])];
  const job = { site: "seoul", labels: [], app: "orders" };
  const chosen = (more: object, runners = all): string => {
    const choice = chooseRunner({ ...job, ...more }, runners);
    return choice.kind === "chosen" ? choice.runner : choice.code;
  };
  assert.equal(chosen({ work: ["build"] }), "build");
  assert.equal(chosen({ work: ["deploy"] }), "both");
  assert.equal(chosen({ work: [] }), "both");
  assert.equal(chosen({ work: [], isOfApp: true }, all.slice(0, 1)), "no-work");
});

test("A14: a job with the label runner:NAME is for that runner alone", () => {
  const runner = (name: string): RunnerFacts => ({
    ...{ runner: name, session: name, site: "seoul", labels: ["linux"], slots: 2, free: 1, alive: true, polling: true },
    ...{ warm: [], lastHeard: "2026-01-01T00:00:00.000Z", runs: ["build"] },
  });
  const chosen = (...labels: string[]): string => {
    const choice = chooseRunner({ site: "seoul", labels, app: undefined }, ["a-1", "b-1"].map(runner));
    return choice.kind === "chosen" ? choice.runner : choice.code;
  };
  assert.equal(chosen("runner:b-1"), "b-1");
  assert.equal(chosen("linux", "runner:b-1"), "b-1");
  assert.equal(chosen("runner:c-1"), "no-label");
});
