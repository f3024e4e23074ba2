// `undo: onFailure`, over HTTP with scripted runners.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { ProtocolFixture } from "../runner-protocol/protocol.fixture.ts";
import type { Claimed, ScriptedRunner } from "../runner-protocol/runner.fixture.ts";

function making(project: string, more = ""): string {
  return `{ site: seoul, mode: lenient, retrySafe: true${more}, steps: [{ id: make, uses: harbor/ensure-project, scope: site, with: { project: ${project} } }] }`;
}

const SANDBOX = `name: sandbox
app: none
undo: onFailure
jobs:
  first: ${making("one")}
  second: ${making("two", ", needs: first")}
  last: { site: seoul, mode: lenient, retrySafe: true, needs: second, steps: [{ run: "false" }] }
finally:
  tell: { site: seoul, mode: lenient, retrySafe: true, needs: undo, steps: [{ run: "true" }] }
`;

async function take(runner: ScriptedRunner): Promise<Claimed> {
  const job = await runner.takeJob();
  await runner.start(job.ref);
  return job;
}

/** The runner does the next job: its step made a project, or found one. */
async function makeProject(runner: ScriptedRunner, project: string, created: boolean): Promise<void> {
  const { ref } = await take(runner);
  const outputs = { project, created };
  await runner.progress(ref, 1, [
    { kind: "step-started", step: "make" },
    { kind: "step-ended", step: "make", outcome: "succeeded", durationMs: 5, outputs },
  ]);
  await runner.report(ref, { progress: 2 });
}

async function failLast(runner: ScriptedRunner): Promise<void> {
  const { ref } = await take(runner);
  assert.equal(ref.job, "last");
  await runner.report(ref, { outcome: "failed", failure: { code: "red", message: "It failed." } });
}

async function jobOf(agent: ProtocolFixture, { id }: TaskView, key: string): Promise<TaskView["jobs"][number]> {
  const found = (await agent.client.task(id)).jobs.find((one) => one.key === key);
  assert.ok(found);
  return found;
}

test("a failed task takes back what it created, the newest first, and then the jobs that need that run", async (t) => {
  const agent = await ProtocolFixture.open(t, { sandbox: SANDBOX });
  const runner = await agent.runner();
  const task = await agent.request("sandbox");
  await makeProject(runner, "one", true);
  await makeProject(runner, "two", true);
  await failLast(runner);
  const undo = await take(runner);
  const { child } = await jobOf(agent, task, "undo");
  assert.equal(undo.ref.task, child?.task);
  assert.deepEqual(
    undo.spec.steps.map(({ action }) => action),
    [
      {
        kind: "undo",
        uses: "harbor/ensure-project",
        with: { project: "two" },
        output: { project: "two", created: true },
      },
      {
        kind: "undo",
        uses: "harbor/ensure-project",
        with: { project: "one" },
        output: { project: "one", created: true },
      },
    ],
  );
  await runner.report(undo.ref);
  const tell = await take(runner);
  assert.equal(tell.ref.job, "tell");
  await runner.report(tell.ref);
  const ended = await agent.client.task(task.id);
  assert.deepEqual([ended.state, ended.failedAt?.job], ["failed", "last"]);
  assert.equal((await agent.client.task(undo.ref.task)).title, "Undo sandbox");
});

test("what the task found, or took over from an older task, stays", async (t) => {
  const agent = await ProtocolFixture.open(t, { sandbox: SANDBOX });
  const runner = await agent.runner();
  const task = await agent.request("sandbox");
  await makeProject(runner, "one", false);
  await makeProject(runner, "two", false);
  await failLast(runner);
  const tell = await take(runner);
  await runner.report(tell.ref);
  const { state, waiting } = await jobOf(agent, task, "undo");
  assert.deepEqual([state, waiting?.text], ["skipped", "nothing was created that can be taken back"]);
});

test("an undo that fails is a failed job and a failed task that can be run again; the first failure stays the reason", async (t) => {
  const agent = await ProtocolFixture.open(t, { sandbox: SANDBOX });
  const runner = await agent.runner();
  const task = await agent.request("sandbox");
  await makeProject(runner, "one", true);
  await makeProject(runner, "two", false);
  await failLast(runner);
  const undo = await take(runner);
  await runner.report(undo.ref, { outcome: "errored", failure: { code: "x", message: "Harbor is down." } });
  const tell = await take(runner);
  await runner.report(tell.ref);
  const ended = await agent.client.task(task.id);
  assert.deepEqual([ended.state, ended.failedAt?.job], ["failed", "last"]);
  const { state, failure } = await jobOf(agent, task, "undo");
  assert.deepEqual(
    [state, failure?.message, failure?.why],
    ["errored", `Task ${undo.ref.task} of undo ended as errored.`, "Harbor is down."],
  );
  await agent.client.rerun(undo.ref.task, {
    ...{ principal: "dev", idempotencyKey: "again", from: "failed", definition: "pinned" },
  });
  const again = await take(runner);
  assert.deepEqual(
    again.spec.steps.map(({ action }) => action.kind),
    ["undo"],
  );
});

test("a task that succeeds or is canceled takes nothing back", async (t) => {
  const agent = await ProtocolFixture.open(t, { sandbox: SANDBOX });
  const runner = await agent.runner();
  const task = await agent.request("sandbox");
  await makeProject(runner, "one", true);
  await agent.client.cancel(task.id, { principal: "kim" });
  const tell = await take(runner);
  await runner.report(tell.ref);
  assert.equal((await jobOf(agent, task, "undo")).state, "skipped");
  assert.equal((await agent.client.task(task.id)).state, "canceled");
});

test("what a step began without coming to its end is looked for, also by the task that found it later", async (t) => {
  const agent = await ProtocolFixture.open(t, { sandbox: SANDBOX });
  const runner = await agent.runner();
  const task = await agent.request("sandbox");
  await makeProject(runner, "one", false);
  const { ref } = await take(runner);
  await runner.effectBegin(ref, { step: "make", effect: "create-project", ordinal: 0, what: "create the project two" });
  const failure = { code: "system-unreachable", message: "The answer was lost." };
  await runner.report(ref, { outcome: "errored", failure });
  const undo = await take(runner);
  assert.equal(undo.spec.steps.length, 1, "the project that was found stays");
  const [{ action } = { action: undefined }] = undo.spec.steps;
  assert.ok(action?.kind === "undo");
  assert.deepEqual(
    {
      uses: action.uses,
      with: action.with,
      output: action.output,
      task: action.begun?.task,
      result: action.begun?.result,
    },
    { uses: "harbor/ensure-project", with: { project: "two" }, output: {}, task: task.id, result: undefined },
  );
});
