import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { script } from "./fake-agent.fixture.ts";
import { startRunner } from "./main.ts";
import { configOf, executorOf } from "./runner.fixture.ts";
import { isAlive, kill, killWithGuard, noProc, openRunnerProcess } from "./runner-process.fixture.ts";

const HANG =
  'echo $$ > ../../../pid; setsid sleep 300 & echo $! >> ../../../pid; echo on; trap "" TERM; until [ -e ../../../go ]; do sleep 0.02; done; echo late; sleep 300 & wait';

test("after kill -9 of the runner and its guard, the next process of the runner ends the running programs, and the job can run again", {
  skip: noProc,
}, async (t) => {
  const { agent, data, start } = await openRunnerProcess(t);
  const runner = start();
  const job = agent.offer({ steps: [script("hang", HANG)] });
  await agent.until("the script to run", () => agent.log(job, "hang") === "on\n");
  const pids = readFileSync(join(data, "pid"), "utf8").trim().split("\n").map(Number);
  agent.fault = (path) => (path.startsWith("logs/") ? "drop" : "none");
  writeFileSync(join(data, "go"), "");
  await agent.until("the late line to be tried", () => agent.faults.length > 0);
  await killWithGuard(runner);
  agent.fault = () => "none";
  assert.ok(pids.every(isAlive), "the script must outlive its runner, or this test proves nothing");

  start();
  await agent.until("the job to be given away", () => job.state === "lost");
  assert.deepEqual(agent.sessions.at(-1)?.running, []);
  assert.deepEqual(pids.filter(isAlive), []);
  const again = agent.offer({ steps: [script("hang", "echo fine")] }, { attempt: 2 });
  assert.equal((await agent.reported(again)).outcome, "succeeded");
  await agent.until("the rest of the log", () => agent.log(job, "hang") === "on\nlate\n");
  assert.notEqual(agent.sessions.at(-1)?.bootId, agent.sessions[0]?.bootId);
});

test("a result that is on disk but was not reported is reported by the next process", async (t) => {
  const { agent, start } = await openRunnerProcess(t);
  agent.fault = (path) => (path === "report" ? "drop" : "none");
  const runner = start();
  const job = agent.offer({ steps: [script("work", "echo all of it")] });
  await agent.until("the report to be tried", () => agent.faults.includes("report"));
  await kill(runner);
  agent.fault = () => "none";
  start();
  const report = await agent.reported(job);
  assert.equal(report.outcome, "succeeded");
  assert.equal(agent.log(job, "work"), "all of it\n");
  assert.deepEqual(agent.sessions.at(-1)?.running, [{ ref: job.ref, started: true }]);
});

test("only one process can use the data folder of a runner", async (t) => {
  const { agent, data, start } = await openRunnerProcess(t);
  const runner = start();
  await agent.until("a session", () => agent.sessions.length > 0);
  await assert.rejects(startRunner(configOf(agent, data), { executor: executorOf({}) }), { code: "store-busy" });
  await kill(runner);
  const second = await startRunner(configOf(agent, data), { executor: executorOf({}), logger: SILENT });
  await second.close({ drainMs: 0 });
});

const silent = (): void => {};
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };
