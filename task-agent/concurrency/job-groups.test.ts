// Concurrency groups of jobs, over HTTP with scripted runners.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { ProtocolFixture } from "../runner-protocol/protocol.fixture.ts";
import type { Claimed, ScriptedRunner } from "../runner-protocol/runner.fixture.ts";

const pipeline = (name: string, concurrency: string, more = ""): Readonly<Record<string, string>> => ({
  [name]: `name: ${name}
app: none
params: { where: { type: string, default: prod } }
jobs:
  build: { site: seoul, mode: lenient, retrySafe: true, steps: [{ run: "true" }] }
  deploy: { needs: build, site: seoul, mode: lenient, retrySafe: true, concurrency: ${concurrency}${more}, steps: [{ run: "true" }] }
`,
});
const GROUP = '"deploy/${{ params.where }}"';

async function take(runner: ScriptedRunner): Promise<Claimed> {
  const job = await runner.takeJob();
  await runner.start(job.ref);
  return job;
}
const end = (runner: ScriptedRunner, { ref }: Claimed) =>
  runner.report(ref, { outcome: "succeeded", outputs: {}, progress: 0 });

/** Its first job is done. */
async function built(agent: ProtocolFixture, runner: ScriptedRunner, name: string): Promise<TaskView> {
  const task = await agent.request(name);
  const build = await take(runner);
  assert.equal(build.ref.task, task.id);
  await end(runner, build);
  return task;
}

async function deployOf(agent: ProtocolFixture, { id }: TaskView): Promise<TaskView["jobs"][number]> {
  const found = (await agent.client.task(id)).jobs.find(({ key }) => key === "deploy");
  assert.ok(found);
  return found;
}

test("a job waits for the job of another task and of another pipeline, says behind whom, and starts when it has ended", async (t) => {
  const files = { ...pipeline("one", GROUP), ...pipeline("two", "{ group: deploy/prod }") };
  const agent = await ProtocolFixture.open(t, files);
  const runner = await agent.runner("seoul-1", [], { slots: 4 });
  const first = await built(agent, runner, "one");
  const deploying = await take(runner);
  assert.equal(deploying.ref.job, "deploy");
  const second = await built(agent, runner, "two");
  await agent.waitForEvent(second.id, "JobGated");
  const { state, waiting } = await deployOf(agent, second);
  assert.deepEqual([state, waiting?.code], ["waiting", "concurrency"]);
  assert.equal(waiting?.text, `Waiting in the concurrency group deploy/prod behind task ${first.id}.`);
  await end(runner, deploying);
  assert.equal((await take(runner)).ref.task, second.id);
});

test("with a limit so many jobs run, and places are kept over a restart", async (t) => {
  const agent = await ProtocolFixture.open(t, pipeline("one", `{ group: ${GROUP}, limit: 2 }`));
  let runner = await agent.runner("seoul-1", [], { slots: 8 });
  await built(agent, runner, "one");
  const one = await take(runner);
  await built(agent, runner, "one");
  const two = await take(runner);
  assert.deepEqual([one.ref.job, two.ref.job], ["deploy", "deploy"]);
  const three = await built(agent, runner, "one");
  await agent.clock.pass(10);
  const four = await built(agent, runner, "one");
  await agent.waitForEvent(four.id, "JobGated");
  await agent.restart();
  const running = [one, two].map(({ ref }) => ({ ref, started: true }));
  runner = await agent.runner("seoul-1", running, { slots: 8, bootId: runner.bootId });
  assert.deepEqual([(await deployOf(agent, three)).state, (await deployOf(agent, four)).state], ["waiting", "waiting"]);
  // One that waits and is canceled keeps no place.
  await agent.client.cancel(three.id, { principal: "dev" });
  await end(runner, one);
  assert.equal((await take(runner)).ref.task, four.id);
});

test("with `reject` a job fails while its group is full, and says because of whom", async (t) => {
  const agent = await ProtocolFixture.open(t, pipeline("one", `{ group: ${GROUP}, policy: reject }`));
  const runner = await agent.runner("seoul-1", [], { slots: 4 });
  const first = await built(agent, runner, "one");
  await take(runner);
  const second = await built(agent, runner, "one");
  await agent.waitForEvent(second.id, "TaskEnded");
  const { state, failure } = await deployOf(agent, second);
  assert.deepEqual([state, failure?.code], ["failed", "group-busy"]);
  assert.match(failure?.why ?? "", new RegExp(`behind task ${first.id}`));
});

test("with `cancel-older` a new job cancels the older one, and starts when that has ended", async (t) => {
  const agent = await ProtocolFixture.open(t, pipeline("one", `{ group: ${GROUP}, policy: cancel-older }`));
  const runner = await agent.runner("seoul-1", [], { slots: 4 });
  const first = await built(agent, runner, "one");
  const old = await take(runner);
  await agent.clock.pass(10);
  const second = await built(agent, runner, "one");
  await agent.waitForEvent(first.id, "JobCancelRequested");
  assert.match((await deployOf(agent, first)).canceledBecause ?? "", new RegExp(`newer job of task ${second.id}`));
  await runner.report(old.ref, { outcome: "canceled", outputs: {}, progress: 0 });
  assert.equal((await take(runner)).ref.task, second.id);
});

test("A19: a job that waits for its place expires", async (t) => {
  const agent = await ProtocolFixture.open(t, pipeline("one", GROUP, ", expires: 20s"));
  const runner = await agent.runner("seoul-1", [], { slots: 4 });
  await built(agent, runner, "one");
  await take(runner);
  const second = await built(agent, runner, "one");
  await agent.waitForEvent(second.id, "JobGated");
  await agent.clock.pass(22_000);
  await agent.waitForEvent(second.id, "TaskEnded");
  const { state, failure } = await deployOf(agent, second);
  assert.deepEqual([state, failure?.code], ["timed-out", "expired"]);
  assert.match(failure?.why ?? "", /concurrency group deploy\/prod behind/);
});

test("a job that a freeze closes while it waits leaves its group, and comes back to it when the freeze ends", async (t) => {
  const placed = ", environment: prod";
  const agent = await ProtocolFixture.open(t, { ...pipeline("one", GROUP), ...pipeline("two", GROUP, placed) });
  const runner = await agent.runner("seoul-1", [], { slots: 4 });
  await built(agent, runner, "one");
  const deploying = await take(runner);
  const second = await built(agent, runner, "two");
  await agent.waitForEvent(second.id, "JobGated");
  await freeze(agent, second.id);
  assert.equal((await deployOf(agent, second)).waiting?.code, "freeze");
  await agent.clock.pass(2_000);
  assert.ok((await agent.kinds(second.id)).length < 20, `${await agent.kinds(second.id)}`);
  await end(runner, deploying);
  const third = await built(agent, runner, "one");
  const next = await take(runner);
  assert.equal(next.ref.task, third.id, "the frozen job has no place");
  await thaw(agent, second.id);
  assert.equal((await deployOf(agent, second)).waiting?.code, "concurrency");
  await end(runner, next);
  assert.equal((await take(runner)).ref.task, second.id);
});

test("a job that a freeze closes before a runner has taken it gives its place to others", async (t) => {
  const placed = ", environment: prod";
  const agent = await ProtocolFixture.open(t, { ...pipeline("one", GROUP), ...pipeline("two", GROUP, placed) });
  const runner = await agent.runner("seoul-1", [], { slots: 4 });
  const first = await built(agent, runner, "two");
  await agent.waitForEvent(first.id, "JobReady", 2);
  await freeze(agent, first.id);
  const second = await built(agent, runner, "one");
  const next = await take(runner);
  assert.deepEqual([next.ref.task, next.ref.job], [second.id, "deploy"]);
  await thaw(agent, first.id);
  await end(runner, next);
  assert.equal((await take(runner)).ref.task, first.id);
});

const FREEZE = 'freezes: [{ from: "2000-01-01T00:00:00Z", to: "2999-01-01T00:00:00Z", reason: Audit, owner: lee }]';
const freeze = (agent: ProtocolFixture, task: string) => policy(agent, FREEZE, task, (code) => code === "freeze");
const thaw = (agent: ProtocolFixture, task: string) => policy(agent, "requires: {}", task, (code) => code !== "freeze");

/** The agent looks at the folder every second of its clock, but reads the files in the time of the machine. */
async function policy(
  agent: ProtocolFixture,
  text: string,
  task: string,
  isSeen: (waitsFor: string | undefined) => boolean,
): Promise<void> {
  await writeFile(join(agent.data, "environments.yaml"), `environments: { prod: { ${text} } }\n`);
  const code = async () => (await agent.client.task(task)).jobs.find(({ key }) => key === "deploy")?.waiting?.code;
  for (let second = 0; second < 200 && !isSeen(await code()); second += 1) await agent.clock.pass(1_000);
}
