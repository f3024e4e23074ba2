// Two task-agents on one Redis: a request to one takes effect at the other, and neither takes jobs from the other's runners.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { crc32 } from "node:zlib";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { ObservedApplication } from "@gantry/core/fleet/observed.ts";
import { noRedis, type RedisServer, redisFor } from "@gantry/lab/faults/redis/server.ts";
import type { Listening } from "@gantry/runtime/http/listen.ts";
import { type AgentClient, makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { AgentConfigInput } from "../config.ts";
import { startTaskAgent } from "../main.ts";
import { PIPELINE, SEOUL, TOKEN } from "../release.fixture.ts";
import { ScriptedRunner } from "../runner-protocol/runner.fixture.ts";

/** Short, so that a lease ends during a test. */
const strict = { renewEveryMs: 100, renewWithinMs: 300, selfFenceMs: 600, reassignAfterMs: 2_000 };
const lenient = { ...strict, selfFenceMs: 1_000 };
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

type Member = { readonly agent: Listening; readonly client: AgentClient };

async function twoAgents(t: TestContext, redis?: RedisServer): Promise<[Member, Member]> {
  redis ??= await redisFor(t);
  const { port } = redis;
  const folder = await mkdtemp(join(tmpdir(), "gantry-shared-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "release.yaml"), PIPELINE);
  const start = async (name: string): Promise<Member> => {
    const config: AgentConfigInput = {
      name,
      data: join(folder, name),
      logs: join(folder, "logs"),
      journal: { kind: "redis", address: `127.0.0.1:${port}`, waitReplicas: 0 },
      pipelines: folder,
      portalUrl: "http://portal",
      token: TOKEN,
      runnerTokens: { [SEOUL]: "seoul" },
      lease: { strict, lenient },
      aliveMs: 1_000,
    };
    const agent = await startTaskAgent(config, { logger: silent });
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => {
      closing ??= agent.close();
      return closing;
    };
    t.after(close);
    return { agent: { ...agent, close }, client: makeAgentClient({ url: agent.url, token: TOKEN }) };
  };
  return [await start("a"), await start("b")];
}

let keys = 0;
function request({ client }: Member, idempotencyKey?: string) {
  keys += 1;
  const key = idempotencyKey ?? `key-${keys}`;
  return client.startTask({ pipeline: "release", params: {}, idempotencyKey: key, principal: "dev" });
}

function signIn({ agent }: Member, name: string, obeys?: string[]): Promise<ScriptedRunner> {
  return ScriptedRunner.signIn(agent.url, SEOUL, "seoul", name, [], obeys ? { obeys } : {});
}

test("a task requested at one agent is offered at once to a runner of the other, and both agents show it", {
  skip: noRedis,
}, async (t) => {
  const [a, b] = await twoAgents(t);
  const runner = await signIn(a, "seoul-1");
  const open = runner.pollAll(1, 25_000);
  const began = performance.now();
  const task = await request(b);
  const [offer] = (await open).offers;
  assert.equal(offer?.ref.task, task.id);
  assert.ok(performance.now() - began < 20_000);
  assert.ok(offer);
  await runner.claim(offer);
  await runner.start(offer.ref);
  assert.equal((await b.client.task(task.id)).state, "running", "the other agent knows what one agent has committed");
  await runner.report(offer.ref);
  assert.equal((await b.client.task(task.id)).state, "succeeded");
  const events = await b.client.taskEvents(task.id, 0, 100);
  assert.deepEqual(
    events.map((event) => event.taskseq),
    events.map((_, at) => at + 1),
  );
});

test("an agent without runners does not report `no-runner` when the other agent has one", {
  skip: noRedis,
}, async (t) => {
  const [a, b] = await twoAgents(t);
  const runner = await signIn(a, "seoul-1");
  // Agents publish their runners every second.
  while ((await b.client.runners()).items[0]?.state !== "online") await runner.pollAll(0, 100);
  const first = await request(b);
  const job = await runner.takeJob();
  assert.equal(job.ref.task, first.id);
  // The runner is busy now; both agents know it within two seconds.
  void runner.pollAll(0, 3_000).catch(() => undefined);
  const second = await request(b);
  const waiting = await until(b, second.id, (task) => task.waiting?.code === "all-busy");
  assert.equal(waiting.waiting?.text, "Waiting for a free slot at seoul: all 2 slots of 1 suitable runner are busy.");
  for (const task of [first, second]) {
    const events = (await b.client.taskEvents(task.id, 0, 100)).map(({ data }) => data.event);
    assert.ok(!events.some((event) => event.kind === "JobWaiting" && event.code === "no-runner"));
  }
});

test("a request that waits at one agent returns after a change at the other, and a cancel reaches the other agent's runner", {
  skip: noRedis,
}, async (t) => {
  const [a, b] = await twoAgents(t);
  const runner = await signIn(a, "seoul-1");
  const task = await request(a);
  const job = await runner.takeJob();
  await runner.start(job.ref);
  const open = runner.pollAll(0, 20_000);
  const reading = until(a, task.id, (now) => now.cancel !== undefined);
  await b.client.cancel(task.id, { principal: "dev", reason: "wrong version" });
  const { cancels } = await open;
  assert.equal(cancels[0]?.reason, "canceled by dev: wrong version");
  await reading;
  await runner.report(job.ref, { outcome: "canceled" });
  assert.equal((await b.client.task(task.id)).state, "canceled");
});

test("a runner whose agent stopped continues at the other agent under the same fence", { skip: noRedis }, async (t) => {
  const [a, b] = await twoAgents(t);
  const task = await request(b);
  const runner = await signIn(a, "seoul-1");
  const job = await runner.takeJob();
  await runner.start(job.ref);
  const send = (by: ScriptedRunner, offset: number, text: string, final = false): Promise<number> =>
    by.log(job.ref, "make", offset, Buffer.from(text), crc32(text), final);
  const place = { task: task.id, job: "work", step: "make" };
  assert.equal((await b.client.log(place, 0, 100)).size, 0);
  await send(runner, 0, "one\n");
  assert.equal(
    (await b.client.log(place, 0, 100)).bytes.toString(),
    "one\n",
    "each agent shows the log that the other received",
  );
  await a.agent.close();
  const same = await ScriptedRunner.signIn(b.agent.url, SEOUL, "seoul", "seoul-1", [{ ref: job.ref, started: true }], {
    bootId: runner.bootId,
    registration: 2,
  });
  assert.deepEqual(same.directives, [{ ref: job.ref, do: "continue" }]);
  assert.equal(await send(same, 4, "two\n", true), 8, "the log continues at the same offset");
  await same.report(job.ref);
  assert.equal((await b.client.task(task.id)).state, "succeeded");
});

test("a runner that registers at the other agent is offered nothing more by the first", {
  skip: noRedis,
}, async (t) => {
  const [a, b] = await twoAgents(t);
  const before = await signIn(a, "seoul-1");
  const open = before.pollAll(1, 20_000);
  const gone = assert.rejects(open, { code: "session-gone" });
  const after = await ScriptedRunner.signIn(b.agent.url, SEOUL, "seoul", "seoul-1", [], {
    bootId: before.bootId,
    registration: 2,
  });
  await gone;
  const task = await request(a);
  assert.equal((await after.takeJob()).ref.task, task.id);
});

test("a lease that is renewed at one agent is not revoked by the other; without renewals it is", {
  skip: noRedis,
}, async (t) => {
  const [a, b] = await twoAgents(t);
  const task = await request(b);
  const runner = await signIn(a, "seoul-1");
  const job = await runner.takeJob();
  await runner.start(job.ref);
  const until = performance.now() + 5_000;
  while (performance.now() < until) {
    await runner.pollAll(0, 100);
    assert.equal((await runner.heartbeat(job.ref)).state, "ok");
  }
  assert.equal((await b.client.task(task.id)).jobs[0]?.attempts.length, 1);
  const other = await signIn(b, "seoul-2");
  let second = (await other.pollAll(1, 10_000)).offers[0];
  second ??= (await other.pollAll(1, 10_000)).offers[0];
  assert.deepEqual([second?.ref.task, second?.ref.attempt], [task.id, 2]);
  assert.ok(Number(second?.ref.fence) > job.ref.fence);
});

test("Redis is emptied while a job runs: the agents restore the task, and it ends as usual", {
  skip: noRedis,
}, async (t) => {
  const redis = await redisFor(t);
  const [a, b] = await twoAgents(t, redis);
  const task = await request(b);
  const runner = await signIn(a, "seoul-1");
  const job = await runner.takeJob();
  await runner.start(job.ref);
  await redis.command("FLUSHALL");
  await untilDone(runner, () => runner.report(job.ref));
  const ended = await untilDone(runner, () => b.client.task(task.id));
  assert.deepEqual([ended.state, ended.jobs[0]?.attempts.length], ["succeeded", 1]);
  const next = await untilDone(runner, () => request(a, "the-next-one"));
  const second = await untilDone(runner, () => runner.takeJob());
  assert.equal(second.ref.task, next.id);
  assert.ok(second.ref.fence > job.ref.fence);
});

/** Repeats the request while it fails, as runners and portals do. */
async function untilDone<T>(runner: ScriptedRunner, work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries > 600 || !(error instanceof GantryError)) throw error;
      await runner.pollAll(0, 100);
    }
  }
}

type View = Awaited<ReturnType<AgentClient["task"]>>;

/** Reads the task again after every event until the condition holds. */
async function until({ client }: Member, id: string, isMet: (task: View) => boolean): Promise<View> {
  let { last } = await client.feed({ limit: 1 });
  for (;;) {
    const task = await client.task(id);
    if (isMet(task)) return task;
    last = (await client.feed({ after: last, limit: 100, waitMs: 10_000 })).last;
  }
}

test("A7: a stop that one agent is asked for reaches a runner of the other one", { skip: noRedis }, async (t) => {
  const [a, b] = await twoAgents(t);
  const runner = await signIn(a, "seoul-1", ["stop"]);
  const open = runner.pollAll(1, 25_000);
  await b.client.askRunner("seoul-1", { to: "stop", reason: "new disk", principal: "kim" });
  assert.deepEqual((await open).stop, { now: false, reason: "kim: new disk" });
  assert.equal((await a.client.runner("seoul-1")).asked?.by, "kim");
});

test("A7: the log of a runner of one agent is read at the other one", { skip: noRedis }, async (t) => {
  const [a, b] = await twoAgents(t);
  const runner = await signIn(a, "seoul-1", ["log"]);
  // Until b knows that the runner is signed in at a.
  const isKnown = async () => (await b.client.runner("seoul-1")).state === "online";
  while (!(await isKnown())) await runner.pollAll(0, 100);
  for (const line of ["first", "second"]) {
    const open = runner.pollAll(1, 25_000);
    const reading = b.client.runnerLog("seoul-1", { from: "latest", lines: 5 });
    const { log } = await open;
    assert.deepEqual([log?.from, log?.lines], ["latest", 5]);
    await runner.sendOwnLog({ id: log?.id ?? "", lines: [line], held: 1, dropped: 0 });
    assert.deepEqual((await reading).lines, [line]);
  }
  assert.equal((await runner.pollAll(1, 100)).log, undefined);
});

test("what a runner of one agent sees of the fleet, the other agent shows, and a second watcher is refused there", {
  skip: noRedis,
}, async (t) => {
  const [a, b] = await twoAgents(t);
  const app = JSON.parse(JSON.stringify(appInput())) as ReturnType<typeof appInput>;
  await a.client.adoptApp("orders", { principal: "ada", app, dryRun: false });
  const systems = [{ name: "argocd", kind: "argocd", url: "http://argocd.seoul", standIn: false }];
  const watch = (member: Member, name: string) =>
    ScriptedRunner.signIn(member.agent.url, SEOUL, "seoul", name, [], { systems });
  const seen = (health: ObservedApplication["health"]): ObservedApplication => ({
    ...{ name: "orders-seoul-dp", namespace: "argocd", project: "orders", sources: [], autoSync: true },
    ...{ sync: "Synced", revisions: [], health, conditions: [], images: [], resources: 1, reasons: [] },
  });
  const [first, second] = [await watch(a, "seoul-1"), await watch(b, "seoul-2")];
  assert.equal((await first.observe({ system: "argocd", changed: [seen("Degraded")] })).role, "watch");
  assert.equal((await second.observe({ system: "argocd", changed: [seen("Healthy")] })).role, "stand-by");
  // Each agent reads what the other has stored once a second.
  let state: string | undefined;
  while (state !== "degraded") state = (await b.client.fleet({})).items[0]?.state;
  const { cursor } = await b.client.fleetChanges({});
  await first.observe({ system: "argocd", changed: [seen("Progressing")] });
  const told = await b.client.fleetChanges({ after: cursor, waitMs: 20_000 });
  assert.equal(told.items[0]?.state, "progressing");
  await first.observe({ system: "argocd", leaving: true });
  assert.equal((await second.observe({ system: "argocd", all: [] })).role, "watch");
  while (state !== "unknown") state = (await a.client.fleet({})).items[0]?.state;
});
