import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type FakeAgent, type FakeJob, script } from "../fake-agent.fixture.ts";
import { eventually, guardOf, isAlive, kill, noProc, openRunnerProcess, stateOf } from "../runner-process.fixture.ts";

/** Processes in the group, in their own group, and in the group with an empty environment. */
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

test("when a runner is suspended for longer than its lease, its scripts are killed, and it reports why when it continues", {
  skip: noProc,
}, async (t) => {
  const { agent, data, start } = await openRunnerProcess(t);
  agent.lease = { renewEveryMs: 200, selfFenceMs: 4_000, reassignAfterMs: 8_200 };
  const runner = start();
  const job = agent.offer({ mode: "strict", steps: [script("hang", HANG)] });
  const pids = await running(agent, data, job);
  runner.kill("SIGSTOP");
  await eventually("the end of all processes", () => !pids.some(isAlive));
  assert.equal(stateOf(runner.pid ?? 0), "T");
  runner.kill("SIGCONT");
  const { outcome, failure } = await agent.reported(job);
  assert.deepEqual([outcome, failure?.code], ["errored", "lease-lost"]);
  const ends = job.progress.flatMap((one) => (one.kind === "step-ended" ? [`${one.step} ${one.outcome}`] : []));
  assert.deepEqual(ends, ["hang errored"]);
});

test("scripts live as long as the lease is renewed, also when the guard is killed; two seconds after kill -9 of the runner none is alive", {
  skip: noProc,
}, async (t) => {
  const { agent, data, start } = await openRunnerProcess(t);
  agent.lease = { renewEveryMs: 100, selfFenceMs: 3_000, reassignAfterMs: 6_200 };
  const runner = start();
  const long = agent.offer({ mode: "strict", steps: [script("work", "sleep 4")] });
  const job = agent.offer({ mode: "strict", steps: [script("hang", HANG)] }, { job: "other" });
  const pids = await running(agent, data, job);
  const first = guardOf(runner);
  assert.ok(first);
  process.kill(first, "SIGKILL");
  const next = await eventually("the next guard", () => guardOf(runner) !== first && guardOf(runner));
  assert.equal((await agent.reported(long)).outcome, "succeeded");
  assert.deepEqual(pids.filter(isAlive), pids);
  await kill(runner);
  await eventually("the end of all processes", () => ![...pids, next].some(isAlive));
});

test("limits that are revoked leave no processes of the guard behind", { skip: noProc }, () => {
  const seconds = `${50_000 + (process.pid % 10_000)}.5`;
  const input = `0 ${seconds} - /none\n0 - - /none\n`.repeat(100);
  const { status } = spawnSync("/bin/sh", [fileURLToPath(new URL("./guard.sh", import.meta.url))], { input });
  assert.equal(status, 0);
  const sleeps = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandOf(pid) === `sleep\0${seconds}\0`);
  assert.deepEqual(sleeps, []);
});

function commandOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return undefined;
  }
}
