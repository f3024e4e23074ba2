// Retention through the HTTP API: months after its end a task is answered from the archive.

import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { crc32 } from "node:zlib";
import { type Clock, systemClock } from "@gantry/runtime/clock.ts";
import { READER_HEADER } from "@gantry/wire/agent/agent-api.ts";
import { type AgentClient, makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { AgentConfigInput } from "../config.ts";
import { startTaskAgent } from "../main.ts";
import { PIPELINE, SEOUL, TOKEN } from "../release.fixture.ts";
import { ScriptedRunner } from "../runner-protocol/runner.fixture.ts";

const DAY_MS = 86_400_000;
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The machine's time, which a test can set ahead; the hourly pass begins on demand. */
class SetClock implements Clock {
  #ahead = 0;
  #hourly: (() => void)[] = [];
  monotonicMs = systemClock.monotonicMs;
  nowMs = (): number => systemClock.nowMs() + this.#ahead;
  after = (ms: number, run: () => void): (() => void) => {
    if (ms < 5 * 60_000) return systemClock.after(ms, run);
    this.#hourly.push(run);
    return () => {};
  };
  later(days: number): void {
    this.#ahead += days * DAY_MS;
  }
  /** The next pass is scheduled when the previous one has ended. */
  async sweep(): Promise<void> {
    while (this.#hourly.length === 0) await new Promise((resolve) => setImmediate(resolve));
    for (const run of this.#hourly.splice(0)) run();
  }
}

async function openArchivedTask(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "gantry-archived-"));
  await writeFile(join(folder, "release.yaml"), PIPELINE);
  const clock = new SetClock();
  const config: AgentConfigInput = {
    data: join(folder, "data"),
    pipelines: folder,
    portalUrl: "http://portal",
    token: TOKEN,
    runnerTokens: { [SEOUL]: "seoul" },
    retention: { tasks: { days: 90, keep: 1 }, logs: { days: 30 } },
  };
  const agent = await startTaskAgent(config, { logger: quiet, clock });
  t.after(async () => {
    await agent.close();
    await rm(folder, { recursive: true, force: true });
  });
  const reader = { [READER_HEADER]: "notify-agent" };
  return { folder, clock, url: agent.url, client: makeAgentClient({ url: agent.url, token: TOKEN, headers: reader }) };
}

async function runOne(client: AgentClient, runner: ScriptedRunner, key: string): Promise<string> {
  const { id } = await client.startTask({ pipeline: "release", params: {}, idempotencyKey: key, principal: "dev" });
  const job = await runner.takeJob();
  await runner.start(job.ref);
  const text = `what ${key} did\n`.repeat(1_000);
  await runner.log(job.ref, "make", 0, Buffer.from(text), crc32(text), true);
  await runner.report(job.ref);
  return id;
}

/** Polls until the answer is as expected: a pass takes some milliseconds. */
async function until<T>(ask: () => Promise<T>, isSo: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isSo(answer)) return answer;
  }
}

test("after months a task, its events and its log are answered from the archive and cannot be changed", async (t) => {
  const { folder, clock, url, client } = await openArchivedTask(t);
  const runner = await ScriptedRunner.signIn(url, SEOUL, "seoul", "seoul-1");
  const [first, second] = [await runOne(client, runner, "one"), await runOne(client, runner, "two")];
  const place = { task: first, job: "work", step: "make" };
  const view = await client.task(first);
  const events = await client.taskEvents(first, 0, 100);
  const log = await client.log(place, 0, 1_000_000);
  const { last } = await client.feed({ limit: 1 });
  const logs = (): Promise<readonly string[]> => readdir(join(folder, "data", "logs"));

  clock.later(31);
  await clock.sweep();
  await until(logs, (names) => names.length === 0);
  assert.deepEqual((await client.log(place, 0, 1_000_000)).bytes, log.bytes, "the log was archived before the task");
  assert.equal((await client.task(first)).archived, undefined);

  clock.later(60);
  await client.feed({ after: last - 1, limit: 1 });
  await client.feed({ after: 3, limit: 1 });
  await clock.sweep();
  const metrics = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();
  await until(metrics, (text) => /gantry_retention_held_back{why="unread"} 1/.test(text));
  assert.equal((await client.task(first)).archived, undefined, "the reader has not read it yet");
  await client.feed({ after: last, limit: 1 });
  await clock.sweep();
  const archived = await until(
    () => client.task(first),
    (task) => task.archived === true,
  );
  assert.deepEqual(archived, { ...view, archived: true });
  assert.deepEqual(await client.taskEvents(first, 0, 100), events);
  assert.deepEqual(await client.taskEvents(first, 2, 3), events.slice(2, 5));
  assert.deepEqual(await client.log(place, 5, 20), {
    bytes: log.bytes.subarray(5, 25),
    from: 5,
    size: log.size,
    final: true,
  });
  assert.deepEqual(await logs(), [], "reading leaves nothing behind");

  assert.deepEqual(
    (await client.tasks({ limit: 10 })).items.map(({ id }) => id),
    [second],
  );
  const isArchived = { code: "task-archived", details: { task: first } };
  await assert.rejects(client.rerun(first, { principal: "dev", idempotencyKey: "r", from: "all" }), isArchived);
  await assert.rejects(client.cancel(first, { principal: "dev" }), isArchived);
  await assert.rejects(client.task("t000000000zzzzzzzzzz"), { code: "not-found" });
  assert.match(await metrics(), /gantry_retention_archived_tasks 1\n/);
  assert.match(await metrics(), /gantry_retention_removed_logs 2\n/);
});

test("when the archive cannot be written, nothing is removed, an alarm is raised, and retention recovers by itself", async (t) => {
  const { folder, clock, url, client } = await openArchivedTask(t);
  const runner = await ScriptedRunner.signIn(url, SEOUL, "seoul", "seoul-1");
  const [first] = [await runOne(client, runner, "one"), await runOne(client, runner, "two")];
  const archive = join(folder, "data", "archive");
  await writeFile(archive, "in the way");
  clock.later(91);
  await clock.sweep();
  const metrics = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();
  await until(metrics, (text) => /gantry_retention_failures 1/.test(text));
  assert.match(await metrics(), /gantry_alarms{alarm="retention-failed"} 1/);
  assert.equal((await client.task(first)).archived, undefined);
  assert.equal((await client.log({ task: first, job: "work", step: "make" }, 0, 10)).bytes.length, 10);
  await rm(archive);
  await clock.sweep();
  await until(
    () => client.task(first),
    (task) => task.archived === true,
  );
});
