import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type FakeAgent, type FakeJob, script } from "../fake-agent.fixture.ts";
import { eventually, guardOf, isAlive, kill, noProc, openRunnerProcess, stateOf } from "../runner-process.fixture.ts";

/** In the group; in a group of its own; in the group, without anything in its environment. */
const HANG = `
trap "" TERM
pids="$GANTRY_WORKSPACE/../../../pids"
echo $$ > $pids
setsid sleep 300 & echo $! >> $pids
env -i sleep 300 & echo $! >> $pids
echo on
wait`;

async function running(agent: FakeAgent, data: string, job: FakeJob): Promise<readonly number[]> {
  await agent.until("the script to run", () => agent.log(job, "hang") === "on\n");
  const pids = readFileSync(join(data, "pids"), "utf8").trim().split("\n").map(Number);
  assert.deepEqual(pids.map(isAlive), [true, true, true]);
  return pids;
}

test("a runner that is stopped for longer than its lease has no scripts any more, and says why when it goes on", {
  skip: noProc,
}, async (t) => {
  const { agent, data, start } = await openRunnerProcess(t);
  agent.lease = { renewEveryMs: 200, selfFenceMs: 1_000, reassignAfterMs: 2_200 };
  const runner = start();
  const job = agent.offer({ mode: "strict", steps: [script("hang", HANG)] });
  const pids = await running(agent, data, job);
  runner.kill("SIGSTOP");
  await eventually("the end of all", () => !pids.some(isAlive));
  assert.equal(stateOf(runner.pid ?? 0), "T");
  runner.kill("SIGCONT");
  const { outcome, failure } = await agent.reported(job);
  assert.deepEqual([outcome, failure?.code], ["errored", "lease-lost"]);
  const ends = job.progress.flatMap((one) => (one.kind === "step-ended" ? [`${one.step} ${one.outcome}`] : []));
  assert.deepEqual(ends, ["hang errored"]);
});

test("scripts live for as long as the lease is renewed, also when somebody ends the guard; two seconds after kill -9 of the runner nothing of them is alive", {
  skip: noProc,
}, async (t) => {
  const { agent, data, start } = await openRunnerProcess(t);
  agent.lease = { renewEveryMs: 100, selfFenceMs: 1_000, reassignAfterMs: 2_200 };
  const runner = start();
  const long = agent.offer({ mode: "strict", steps: [script("work", "sleep 1.8")] });
  const job = agent.offer({ mode: "strict", steps: [script("hang", HANG)] }, { job: "other" });
  const pids = await running(agent, data, job);
  const first = guardOf(runner);
  assert.ok(first);
  process.kill(first, "SIGKILL");
  const next = await eventually("the next guard", () => guardOf(runner) !== first && guardOf(runner));
  assert.equal((await agent.reported(long)).outcome, "succeeded");
  assert.deepEqual(pids.filter(isAlive), pids);
  await kill(runner);
  const began = performance.now();
  await eventually("the end of all", () => ![...pids, next].some(isAlive));
  assert.ok(performance.now() - began < 2_000, `${performance.now() - began} ms`);
});

test("limits that are taken back leave nothing behind in the guard", { skip: noProc }, () => {
  const seconds = `${50_000 + (process.pid % 10_000)}.5`;
  const input = `0 ${seconds} - /none\n0 - - /none\n`.repeat(100);
  const { status } = spawnSync("/bin/sh", [fileURLToPath(new URL("./guard.sh", import.meta.url))], { input });
  assert.equal(status, 0);
  const naps = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandOf(pid) === `sleep\0${seconds}\0`);
  assert.deepEqual(naps, []);
});

function commandOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return undefined;
  }
}
