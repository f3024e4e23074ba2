// Jobs with `pipeline`, over HTTP with scripted runners.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { ProtocolFixture } from "../runner-protocol/protocol.fixture.ts";
import type { Claimed, ScriptedRunner } from "../runner-protocol/runner.fixture.ts";

const CHILD = `name: child
app: none
params: { where: { type: string, default: nowhere } }
outputs: { made: "\${{ jobs.work.outputs.made }}" }
jobs:
  work: { site: seoul, mode: lenient, retrySafe: true, outputs: { made: "\${{ params.where }}" }, steps: [{ run: "true" }] }
`;

function parent(jobs: string, more = ""): Readonly<Record<string, string>> {
  return { child: CHILD, parent: `name: parent\napp: none\n${more}jobs:\n${jobs}` };
}
const AFTER = "{ site: seoul, mode: lenient, retrySafe: true, steps: [{ run: 'true' }]";

async function take(runner: ScriptedRunner): Promise<Claimed> {
  const job = await runner.takeJob();
  await runner.start(job.ref);
  return job;
}

async function jobOf(
  agent: ProtocolFixture,
  { id }: Pick<TaskView, "id">,
  key: string,
): Promise<TaskView["jobs"][number]> {
  const found = (await agent.client.task(id)).jobs.find((one) => one.key === key);
  assert.ok(found, `task ${id} has no job ${key}`);
  return found;
}

/** The task that does the work of the job, when it has started. */
async function childOf(agent: ProtocolFixture, task: Pick<TaskView, "id">, key: string): Promise<TaskView> {
  await agent.waitForEvent(task.id, "ChildStarted");
  const { child } = await jobOf(agent, task, key);
  return agent.client.task(child?.task ?? "");
}

test("I8: a job runs another pipeline with params, waits for its task, and has its outputs; both name each other", async (t) => {
  const agent = await ProtocolFixture.open(
    t,
    parent(
      `  call: { pipeline: child, params: { where: "to \${{ task.pipeline }}" } }
  after: ${AFTER}, needs: call, env: { MADE: "\${{ needs.call.outputs.made }}" } }
`,
      'outputs: { made: "${{ jobs.call.outputs.made }}" }\n',
    ),
  );
  const runner = await agent.runner();
  const task = await agent.request("parent");
  const child = await childOf(agent, task, "call");
  assert.deepEqual(
    [child.pipeline, child.params, child.requestedBy, child.parent],
    ["child", { where: "to parent" }, "dev", { task: task.id, job: "call" }],
  );
  assert.deepEqual((await jobOf(agent, task, "call")).child, { pipeline: "child", task: child.id });
  const work = await take(runner);
  assert.equal(work.ref.task, child.id, "what comes after it waits");
  assert.equal((await jobOf(agent, task, "call")).state, "running");
  await runner.report(work.ref, { outputs: { made: "tea" } });
  const after = await take(runner);
  assert.deepEqual([after.ref.task, after.ref.job], [task.id, "after"]);
  await runner.report(after.ref);
  const ended = await agent.client.task(task.id);
  assert.deepEqual([ended.state, ended.outputs], ["succeeded", { made: "tea" }]);
});

test("I8: with `wait: false` the job has succeeded when its task has started", async (t) => {
  const agent = await ProtocolFixture.open(t, parent("  call: { pipeline: child, wait: false }\n"));
  const task = await agent.request("parent");
  const child = await childOf(agent, task, "call");
  assert.deepEqual([(await agent.client.task(task.id)).state, child.state], ["succeeded", "waiting"]);
});

test("I8: what goes wrong in the task is the outcome of the job, with the reason, and what needs the job is skipped", async (t) => {
  const agent = await ProtocolFixture.open(
    t,
    parent(`  call: { pipeline: child }\n  after: ${AFTER}, needs: call }\n`),
  );
  const runner = await agent.runner();
  const task = await agent.request("parent");
  const child = await childOf(agent, task, "call");
  const work = await take(runner);
  await runner.report(work.ref, { outcome: "failed", failure: { code: "red", message: "Two tests failed." } });
  await agent.waitForEvent(task.id, "TaskEnded");
  const ended = await agent.client.task(task.id);
  assert.deepEqual([ended.state, ended.failedAt], ["failed", { job: "call" }]);
  const { failure, state } = await jobOf(agent, task, "call");
  assert.deepEqual(
    [state, failure?.message, failure?.why],
    ["failed", `Task ${child.id} of child ended as failed.`, "Two tests failed."],
  );
  assert.equal((await jobOf(agent, task, "after")).state, "skipped");
});

test("I8: a cancel of the parent cancels the task, and a cancel of the task alone fails the job", async (t) => {
  const agent = await ProtocolFixture.open(
    t,
    parent(`  call: { pipeline: child }\n  after: ${AFTER}, needs: call }\n`),
  );
  const first = await agent.request("parent");
  const child = await childOf(agent, first, "call");
  await agent.client.cancel(first.id, { principal: "kim", reason: "too early" });
  await agent.waitForEvent(first.id, "TaskEnded");
  const canceled = await agent.client.task(child.id);
  assert.deepEqual([(await agent.client.task(first.id)).state, canceled.state], ["canceled", "canceled"]);
  assert.equal(canceled.cancel?.by, "kim");
  assert.equal(canceled.cancel?.reason, `Task ${first.id}, which it is part of, was canceled by kim: too early.`);

  const second = await agent.request("parent");
  const other = await childOf(agent, second, "call");
  await agent.client.cancel(other.id, { principal: "lee" });
  await agent.waitForEvent(second.id, "TaskEnded");
  const { state, failure } = await jobOf(agent, second, "call");
  assert.deepEqual([state, failure?.message], ["failed", `Task ${other.id} of child was canceled by lee.`]);
  assert.equal((await jobOf(agent, second, "after")).state, "skipped");
});

test("I8: each element runs a task of its own, at most `maxParallel` at a time, and `failFast` cancels the others", async (t) => {
  const agent = await ProtocolFixture.open(
    t,
    parent(
      '  call: { pipeline: child, each: [a, b, c], maxParallel: 2, failFast: true, params: { where: "${{ each }}" } }\n',
    ),
  );
  const runner = await agent.runner("seoul-1", [], { slots: 4 });
  const task = await agent.request("parent");
  await childOf(agent, task, "call[a]");
  const first = await take(runner);
  const second = await take(runner);
  assert.deepEqual(
    (await agent.client.task(task.id)).jobs.map(({ state }) => state),
    ["running", "running", "queued"],
  );
  await runner.report(first.ref, { outcome: "failed", failure: { code: "red", message: "No." } });
  await runner.heartbeat(second.ref);
  await runner.report(second.ref, { outcome: "canceled" });
  await agent.waitForEvent(task.id, "TaskEnded");
  const ended = await agent.client.task(task.id);
  assert.deepEqual(
    [ended.state, ended.jobs.map(({ state }) => state).toSorted()],
    ["failed", ["canceled", "canceled", "failed"]],
  );
});

test("I8: a task that is refused ends the job with the reason", async (t) => {
  const agent = await ProtocolFixture.open(t, {
    child: CHILD.replace("type: string,", "type: string, enum: [x], ").replace("nowhere", "x"),
    parent:
      'name: parent\napp: none\nparams: { to: string }\njobs:\n  call: { pipeline: child, params: { where: "${{ params.to }}" } }\n',
  });
  const task = await agent.client.startTask({
    ...{ pipeline: "parent", params: { to: "y" }, idempotencyKey: "one", principal: "dev" },
  });
  await agent.waitForEvent(task.id, "TaskEnded");
  const { state, failure } = await jobOf(agent, task, "call");
  assert.deepEqual([state, failure?.code], ["errored", "bad-params"]);
});

test("I8: a task that would wait for its own parent's turn is refused, not left waiting for ever", async (t) => {
  const files = parent("  call: { pipeline: child }\n", "concurrency: one\n");
  const agent = await ProtocolFixture.open(t, { ...files, child: `${CHILD}concurrency: one\n` });
  const task = await agent.request("parent");
  await agent.waitForEvent(task.id, "TaskEnded");
  const { state, failure } = await jobOf(agent, task, "call");
  assert.equal(state, "errored");
  assert.match(failure?.why ?? "", /It would wait for its turn in the concurrency group one/);
});

test("I8: the task runs the version that was in force when its parent was requested, also in a rerun of the parent", async (t) => {
  const agent = await ProtocolFixture.open(
    t,
    parent(`  before: ${AFTER} }\n  call: { pipeline: child, needs: before }\n`),
  );
  const runner = await agent.runner();
  const task = await agent.request("parent");
  const before = await take(runner);
  await writeFile(join(agent.data, "child.yaml"), CHILD.replace("nowhere", "elsewhere"));
  while (!JSON.stringify(await agent.client.pipeline("child")).includes("elsewhere")) await agent.clock.pass(1_000);
  await runner.report(before.ref);
  const child = await childOf(agent, task, "call");
  assert.deepEqual(child.params, { where: "nowhere" });
  const work = await take(runner);
  await runner.report(work.ref, { outcome: "failed" });
  await agent.waitForEvent(task.id, "TaskEnded");
  const again = await agent.client.rerun(task.id, {
    principal: "dev",
    idempotencyKey: "again",
    from: "failed",
    definition: "pinned",
  });
  const same = await childOf(agent, again, "call");
  assert.deepEqual([same.params, same.parent?.task], [{ where: "nowhere" }, again.id]);
});

test("I8: an agent that was killed before the task started, or ended, goes on when it is back", async (t) => {
  const agent = await ProtocolFixture.open(t, parent("  call: { pipeline: child }\n"));
  const task = await agent.request("parent");
  await agent.restart();
  const child = await childOf(agent, task, "call");
  const back = await agent.runner("seoul-1");
  const work = await take(back);
  assert.equal(work.ref.task, child.id);
  await back.report(work.ref, { outputs: { made: "tea" } });
  await agent.restart();
  await agent.waitForEvent(task.id, "TaskEnded");
  assert.equal((await agent.client.task(task.id)).state, "succeeded");
  const all = await agent.client.tasks({ limit: 10 });
  assert.equal(all.items.length, 2, "no task started twice");
});
