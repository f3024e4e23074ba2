// Steps in worker threads: whatever a step does to its thread, the runner is not affected.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type FakeAgent, type FakeJob, script, uses } from "../fake-agent.fixture.ts";
import { openTestRunner } from "../runner.fixture.ts";

const THREADS = { threads: new URL("./worker-steps.fixture.ts", import.meta.url).href };

function ends(job: FakeJob): string[] {
  return job.progress.flatMap((one) => (one.kind === "step-ended" ? [`${one.step} ${one.outcome}`] : []));
}

async function runNext(agent: FakeAgent, job: string): Promise<void> {
  const next = agent.offer({ steps: [uses("say", "test/say", { text: "still here" })] }, { job });
  assert.equal((await agent.reported(next)).outcome, "succeeded");
  assert.equal(agent.log(next, "say"), "still here\n");
}

test("scripts, steps, effects and outputs work in a worker thread, and no secret leaves it", async (t) => {
  const { agent, lines } = await openTestRunner(t, {
    ...THREADS,
    env: { CODE: "s3cret-value" },
    config: { secrets: { code: { env: "CODE" } } },
  });
  const job = agent.offer({
    outputs: { text: "${{ steps.put.outputs.text }}" },
    steps: [
      script("hello", 'echo "hello $CODE"; echo "made=$CODE" >> "$GANTRY_OUTPUT"', {
        env: { CODE: "${{ secrets.code }}" },
      }),
      uses("put", "test/put", { text: "${{ secrets.code }}" }),
    ],
  });
  const report = await agent.reported(job);
  assert.deepEqual([report.outcome, report.outputs], ["succeeded", { text: "***" }]);
  assert.equal(agent.log(job, "hello"), "hello ***\n");
  const [effect] = [...agent.effects.values()];
  assert.deepEqual([effect?.what, effect?.result?.text], ["put ***", "***"]);
  assert.doesNotMatch(JSON.stringify([job.progress, lines]), /s3cret/);
});

/** Lets the step that waits for it block its thread, and resolves when it has. */
async function blockThread(agent: FakeAgent, data: string): Promise<void> {
  writeFileSync(join(data, "go"), "");
  await agent.until("the thread to be blocked", () => existsSync(join(data, "blocked")));
}

test("a step that blocks its thread delays no renewal, no poll and no other job", async (t) => {
  const { agent, data } = await openTestRunner(t, THREADS);
  agent.lease = { ...agent.lease, renewEveryMs: 100 };
  const blocked = agent.offer({ steps: [uses("hold", "test/hold")] });
  await agent.until("the step to run", () => agent.log(blocked, "hold") === "holding\n");
  await blockThread(agent, data);
  const renewals = (): number => agent.calls.filter((call) => call === "heartbeat").length;
  const before = renewals();
  await runNext(agent, "other");
  await agent.until("ten renewals", () => renewals() >= before + 10);
  assert.equal(blocked.report, undefined, "all of this while the thread was blocked");
  writeFileSync(join(data, "stop"), "");
  assert.equal((await agent.reported(blocked)).outcome, "succeeded");
});

test("canceling a step that blocks its thread terminates the thread and its programs, and the end is reported", async (t) => {
  const { agent, data } = await openTestRunner(t, THREADS);
  const job = agent.offer({ steps: [uses("block", "test/block"), uses("say", "test/say")] });
  await agent.until("the step to block", () => agent.log(job, "block") === "on\n");
  const sleepers = await agent.until("its program", () => sleepersIn(data));
  await blockThread(agent, data);
  agent.cancel(job);
  const report = await agent.reported(job);
  assert.equal(report.outcome, "canceled");
  assert.deepEqual(ends(job), ["block canceled"]);
  assert.match(agent.log(job, "block"), /^on\n[\s\S]*\n\[gantry\] canceled by kim\n$/);
  assert.deepEqual(sleepers.filter(isAlive), []);
  await agent.until("the folders to be gone", () => readdirSync(join(data, "jobs")).length === 0);
  await runNext(agent, "next");
});

test("a time limit ends a step that blocks its thread", async (t) => {
  const { agent, data } = await openTestRunner(t, THREADS);
  const job = agent.offer({ steps: [uses("stuck", "test/stuck", {}, { timeoutMs: 300 })] });
  await agent.until("the step to run", () => agent.log(job, "stuck") === "on\n");
  await blockThread(agent, data);
  const report = await agent.reported(job);
  assert.deepEqual([report.outcome, report.failure?.code], ["timed-out", "timed-out"]);
  assert.match(agent.log(job, "stuck"), /The step “stuck” took longer than 300ms/);
});

test("a step that exhausts the memory ends its attempt as errored, and the runner continues", async (t) => {
  const { agent } = await openTestRunner(t, { ...THREADS, memoryMb: 64 });
  const job = agent.offer({ steps: [uses("eat", "test/eat")] });
  const report = await agent.reported(job);
  assert.deepEqual([report.outcome, report.failure?.code], ["errored", "internal"]);
  assert.match(report.failure?.why ?? "", /more than 64 MB of memory/);
  assert.deepEqual(ends(job), ["eat errored"]);
  await runNext(agent, "next");
});

test("an error that a step does not catch ends its attempt as errored, and its secrets are masked", async (t) => {
  const { agent } = await openTestRunner(t, {
    ...THREADS,
    env: { CODE: "s3cret-value" },
    config: { secrets: { code: { env: "CODE" } } },
  });
  const job = agent.offer({ steps: [uses("forget", "test/forget", { text: "${{ secrets.code }}" })] });
  const report = await agent.reported(job);
  assert.equal(report.outcome, "errored");
  assert.equal(report.failure?.why, "Error: forgotten ***.");
  await runNext(agent, "next");
});

test("a step that ignores its signal is abandoned, and its thread is not reused", async (t) => {
  const { agent, lines } = await openTestRunner(t, THREADS);
  const job = agent.offer({ steps: [uses("deaf", "test/deaf")] });
  await agent.until("the step to run", () => job.progress.length > 0);
  agent.cancel(job);
  assert.equal((await agent.reported(job)).outcome, "canceled");
  await runNext(agent, "next");
  assert.ok(lines.some((line) => line.startsWith("a step did not stop in time and is abandoned")));
});

function sleepersIn(data: string): number[] | false {
  if (!existsSync("/proc")) return [];
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const found = pids.filter((pid) => readText(`/proc/${pid}/environ`).includes(`GANTRY_JOB_FOLDER=${data}/`));
  return found.length > 0 && found.map(Number);
}

function isAlive(pid: number): boolean {
  const stat = readText(`/proc/${pid}/stat`);
  return stat !== "" && !/\) Z /.test(stat);
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // The process has ended in the meantime.
  }
}
