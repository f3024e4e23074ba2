// Whose jobs a runner takes first, and what ends when nobody takes it, over HTTP with a clock that the test moves.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { GantryError } from "@gantry/core/errors.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { ProtocolFixture } from "../runner-protocol/protocol.fixture.ts";

const JOBS = "jobs: { work: { site: seoul, retrySafe: true, steps: [{ id: make, run: 'true' }] } }\n";
const MINUTE = 60_000;

function file(name: string, more: string, jobs = JOBS): Readonly<Record<string, string>> {
  return { [name]: `name: ${name}\napp: none\n${more}\n${jobs}` };
}

async function takesInTurn(agent: ProtocolFixture, count: number): Promise<readonly string[]> {
  const runner = await agent.runner("seoul-1", [], { slots: 1 });
  const taken: string[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    const job = await runner.takeJob();
    await runner.start(job.ref);
    await runner.report(job.ref, { outcome: "succeeded", outputs: {}, progress: 0 });
    taken.push(job.ref.task);
  }
  return taken;
}

test("A18: with one slot and the queue low, low, high, the high one runs first", async (t) => {
  const agent = await ProtocolFixture.open(t, { ...file("slow", "priority: low"), ...file("quick", "priority: high") });
  const tasks: TaskView[] = [];
  for (const pipeline of ["slow", "slow", "quick"]) {
    tasks.push(await agent.request(pipeline));
    await agent.clock.pass(10);
  }
  const [one, two, high] = tasks.map(({ id }) => id);
  assert.equal(tasks.map(({ priority }) => priority).join(), "low,low,high");
  await agent.restart();
  assert.deepEqual(await takesInTurn(agent, 3), [high, one, two]);
});

test("A18: a low priority is not starved: what has waited long passes what comes later", async (t) => {
  const agent = await ProtocolFixture.open(t, { ...file("slow", "priority: low"), ...file("quick", "priority: high") });
  const low = await agent.request("slow");
  await agent.clock.pass(10 * MINUTE);
  const early = await agent.request("quick");
  await agent.clock.pass(11 * MINUTE);
  const late = await agent.request("quick");
  assert.deepEqual(await takesInTurn(agent, 3), [early.id, low.id, late.id]);
});

test("A18: an expression gives a task its priority, and another word is refused", async (t) => {
  const agent = await ProtocolFixture.open(t, file("given", `params: { how: string }\npriority: "\${{ params.how }}"`));
  const start = (how: string) =>
    agent.client.startTask({ pipeline: "given", params: { how }, principal: "dev", idempotencyKey: how });
  assert.equal((await start("low")).priority, "low");
  assert.equal((await start("normal")).priority, undefined);
  await assert.rejects(start("urgent"), ({ code, details }: GantryError) => {
    assert.equal(code, "expression-failed");
    return /is not one of low, normal, high/.test(String(details.problem));
  });
});

test("A19: a task whose jobs no runner takes in time ends with a reason", async (t) => {
  const agent = await ProtocolFixture.open(
    t,
    file("brief", "expires: 2m", `${JOBS}finally: { clean: { site: seoul, steps: [{ run: 'true' }] } }\n`),
  );
  const { id } = await agent.request("brief");
  await agent.clock.pass(MINUTE);
  await agent.restart(30_000);
  await agent.waitForEvent(id, "JobWaiting");
  await agent.clock.pass(MINUTE);
  await agent.waitForEvent(id, "TaskEnded");
  const { state, failure, headline, jobs } = await agent.client.task(id);
  assert.deepEqual([state, failure?.code, jobs[0]?.state], ["timed-out", "expired", "timed-out"]);
  assert.match(headline, /No runner took a job of the task within 2m \(`expires`\)\. Waiting for a runner at seoul/);
  const taken = await agent.request("brief");
  const runner = await agent.runner();
  await runner.takeJob();
  await agent.clock.pass(5 * MINUTE);
  assert.notEqual((await agent.client.task(taken.id)).state, "timed-out");
});

test("A19: a job that no runner takes in time ends as timed out, and the clean-up runs", async (t) => {
  const jobs = JOBS.replace("retrySafe: true", "expires: 90s");
  const agent = await ProtocolFixture.open(
    t,
    file("part", "", `${jobs}finally: { clean: { site: seoul, labels: x, steps: [{ run: 'true' }] } }\n`),
  );
  const { id } = await agent.request("part");
  await agent.waitForEvent(id, "JobWaiting");
  await agent.clock.pass(100_000);
  await agent.waitForEvent(id, "TaskFinalizing");
  const job = await agent.job(id);
  assert.deepEqual([job.state, job.failure?.code], ["timed-out", "expired"]);
  assert.match(job.failure?.message ?? "", /^No runner took the job within 1m30s/);
  assert.match(job.failure?.why ?? "", /^Waiting for a runner at seoul/);
});

test("A19: a task that waits for its turn in a group expires, and does not keep the next one from its turn", async (t) => {
  const agent = await ProtocolFixture.open(t, file("turns", "concurrency: g\nexpires: 20s"));
  const first = await agent.request("turns");
  const runner = await agent.runner();
  const job = await runner.takeJob();
  await runner.start(job.ref);
  const second = await agent.request("turns");
  await agent.clock.pass(15_000);
  const third = await agent.request("turns");
  await agent.clock.pass(6_000);
  await agent.waitForEvent(second.id, "TaskEnded");
  const { failure, state } = await agent.client.task(second.id);
  assert.equal(state, "timed-out");
  assert.match(failure?.message ?? "", new RegExp(`It waited for task ${first.id}`));
  await runner.report(job.ref, { outcome: "succeeded", outputs: {}, progress: 0 });
  await agent.waitForEvent(third.id, "JobReady");
});

test("A19: a job that no runner takes expires, also when no more of its kind may be ready, and the next one is ready", async (t) => {
  const text = `name: many
app: none
jobs:
  t: { site: seoul, each: [a, b], maxParallel: 1, expires: 20s, steps: [{ run: "true" }] }
`;
  const agent = await ProtocolFixture.open(t, { many: text });
  const { id } = await agent.request("many");
  await agent.clock.pass(22_000);
  await agent.waitForEvent(id, "JobReady", 2);
  await agent.clock.pass(22_000);
  await agent.waitForEvent(id, "TaskEnded");
  const { jobs } = await agent.client.task(id);
  assert.deepEqual(
    jobs.map(({ state, failure }) => [state, failure?.code]),
    [
      ["timed-out", "expired"],
      ["timed-out", "expired"],
    ],
  );
});
