import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { crc32 } from "node:zlib";
import type { Listening } from "@gantry/runtime/http/listen.ts";
import { type AgentClient, makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { JobRef, Offer } from "@gantry/wire/runner/protocol.ts";
import { agentConfig } from "./config.ts";
import { startTaskAgent } from "./main.ts";
import { ScriptedRunner } from "./runner-protocol/runner.fixture.ts";

const PIPELINE = `
name: release
title: Release
button: Run release
app: none
params:
  version: { type: string, required: true, pattern: "^[0-9.]+$" }
concurrency: { group: release }
jobs:
  build:
    site: seoul
    retrySafe: true
    outputs: { image: "\${{ steps.make.outputs.image }}" }
    steps:
      - { id: make, title: Make, run: "true" }
  deploy:
    needs: build
    site: tokyo
    steps:
      - { id: go, title: Go, run: "true" }
outputs: { image: "\${{ jobs.build.outputs.image }}" }
`;
const TOKEN = "platform-token-of-this-test";
const TOKENS = { "runner-token-of-seoul-0": "seoul", "runner-token-of-tokyo-0": "tokyo" };
const quiet = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: (fields: object, text: string) => process.stderr.write(`${text} ${JSON.stringify(fields)}\n`),
};

class AgentFixture {
  readonly data: string;
  agent: Listening;
  client: AgentClient;
  key = 0;

  private constructor(data: string, agent: Listening) {
    this.data = data;
    this.agent = agent;
    this.client = makeAgentClient({ url: agent.url, token: TOKEN });
  }

  static async start(): Promise<AgentFixture> {
    const data = await mkdtemp(join(tmpdir(), "gantry-agent-"));
    await writeFile(join(data, "release.yaml"), PIPELINE);
    const fixture = new AgentFixture(data, await AgentFixture.#open(data));
    after(async () => {
      await fixture.agent.close();
      await rm(data, { recursive: true });
    });
    return fixture;
  }

  static #open(data: string): Promise<Listening> {
    const config = agentConfig.parse({
      data,
      portalUrl: "http://portal",
      token: TOKEN,
      runnerTokens: TOKENS,
      pipelines: data,
    });
    return startTaskAgent(config, { logger: quiet });
  }

  /** Like a crash, because closing writes nothing to the files. */
  async restart(): Promise<void> {
    await this.agent.close();
    this.agent = await AgentFixture.#open(this.data);
    this.client = makeAgentClient({ url: this.agent.url, token: TOKEN });
  }

  async runner(site: "seoul" | "tokyo", name = `${site}-1`): Promise<ScriptedRunner> {
    return ScriptedRunner.signIn(this.agent.url, `runner-token-of-${site}-0`, site, name);
  }

  /** Waits on the feed for this event of the task. */
  async waitForEvent(task: string, kind: string): Promise<void> {
    for (let after = 0; ; ) {
      const page = await this.client.feed({ after, limit: 100, waitMs: 10_000 });
      if (page.events.some((event) => event.subject === task && event.data.event.kind === kind)) return;
      if (page.events.length === 0) throw new Error(`no event ${kind} of task ${task} within 10 s`);
      after = page.last;
    }
  }

  request(params: Record<string, string> = { version: "1.0" }, key = `key-${++this.key}`) {
    return this.client.startTask({ pipeline: "release", params, idempotencyKey: key, principal: "dev" });
  }
}

describe("the task-agent over HTTP", () => {
  test("the error of a second task-agent on the same data folder and port is about the folder", async () => {
    const fixture = await AgentFixture.start();
    const port = Number(new URL(fixture.agent.url).port);
    const config = { data: fixture.data, port, portalUrl: "http://portal", token: TOKEN, runnerTokens: {} };
    await assert.rejects(startTaskAgent(config, { logger: quiet }), { code: "store-busy" });
  });

  test("A2, A3: a task runs at two sites to its end, and the feed has every event in order", async () => {
    const fixture = await AgentFixture.start();
    const task = await fixture.request();
    assert.equal(task.state, "queued");
    const seoul = await fixture.runner("seoul");
    const build = await seoul.takeJob();
    assert.equal(build.spec.title, "build");
    assert.deepEqual(build.spec.scope.params, { version: "1.0" });
    await seoul.start(build.ref);
    await seoul.progress(build.ref, 1, [
      { kind: "step-started", step: "make" },
      { kind: "step-ended", step: "make", outcome: "succeeded", durationMs: 5, outputs: { image: "x@sha256:1" } },
    ]);
    await seoul.report(build.ref, { outcome: "succeeded", outputs: { image: "x@sha256:1" }, progress: 2 });

    const tokyo = await fixture.runner("tokyo");
    const deploy = await tokyo.takeJob();
    await tokyo.start(deploy.ref);
    await tokyo.report(deploy.ref, { outcome: "succeeded", outputs: {}, progress: 0 });

    const done = await fixture.client.task(task.id);
    assert.equal(done.state, "succeeded");
    assert.deepEqual(done.outputs, { image: "x@sha256:1" });
    assert.deepEqual(done.sites, ["seoul", "tokyo"]);
    const feed = await fixture.client.feed({ after: 0, limit: 100 });
    assert.deepEqual(
      feed.events.map((event) => event.taskseq),
      feed.events.map((_, index) => index + 1),
    );
    assert.deepEqual(
      [feed.events[0]?.type, feed.events.at(-1)?.type],
      ["dev.gantry.task.requested.v1", "dev.gantry.task.ended.v1"],
    );
  });

  test("I11: a waiting task says what it waits for", async () => {
    const fixture = await AgentFixture.start();
    const task = await fixture.request();
    await fixture.waitForEvent(task.id, "JobWaiting");
    const waiting = await fixture.client.task(task.id);
    assert.equal(waiting.waiting?.code, "no-runner");
    assert.equal(waiting.headline, "Run release is waiting. Waiting for a runner at seoul: none has ever registered.");
  });

  test("A1: the same idempotency key returns the same task, refuses another body, and starts one task for 100 concurrent requests", async () => {
    const fixture = await AgentFixture.start();
    const many = await Promise.all(Array.from({ length: 100 }, () => fixture.request({ version: "2.0" }, "one-key")));
    assert.equal(new Set(many.map((task) => task.id)).size, 1);
    await assert.rejects(fixture.request({ version: "3.0" }, "one-key"), { code: "idempotency-key-reused" });
    assert.equal((await fixture.client.tasks({})).items.length, 1);
  });

  test("B1: invalid parameters are refused with a pointer to each mistake, and nothing is stored", async () => {
    const fixture = await AgentFixture.start();
    await assert.rejects(
      fixture.request({ version: "abc", extra: "1" }),
      (error: { code: string; problems: { pointer: string }[] }) => {
        assert.equal(error.code, "bad-params");
        assert.deepEqual(error.problems.map((one) => one.pointer).toSorted(), ["/extra", "/version"]);
        return true;
      },
    );
    assert.equal((await fixture.client.tasks({})).items.length, 0);
  });

  test("A15: an offer is repeated on every poll until it is claimed, and goes to another runner when it is declined", async () => {
    const fixture = await AgentFixture.start();
    const first = await fixture.runner("seoul", "seoul-1");
    const task = await fixture.request();
    const [offer] = await first.poll(1);
    const [again] = await first.poll(1);
    assert.deepEqual(again, offer);
    await first.decline(offer as Offer);
    const second = await fixture.runner("seoul", "seoul-2");
    const job = await second.takeJob();
    assert.equal(job.ref.task, task.id);
    await assert.rejects(first.claim(offer as Offer), { code: "offer-gone" });
  });

  test("A15: after a restart of the agent a runner continues under the same fence; a runner that lists no job loses it", async () => {
    const fixture = await AgentFixture.start();
    const task = await fixture.request();
    const runner = await fixture.runner("seoul");
    const job = await runner.takeJob();
    await runner.start(job.ref);
    await fixture.restart();
    await assert.rejects(
      ScriptedRunner.resume(fixture.agent.url, runner).progress(job.ref, 1, [{ kind: "step-started", step: "make" }]),
      { code: "session-gone" },
    );
    const same = await ScriptedRunner.signIn(fixture.agent.url, "runner-token-of-seoul-0", "seoul", "seoul-1", [
      { ref: job.ref, started: true },
    ]);
    assert.deepEqual(same.directives, [{ ref: job.ref, do: "continue" }]);
    await same.progress(job.ref, 1, [{ kind: "step-started", step: "make" }]);

    const empty = await fixture.runner("seoul");
    const second = await empty.takeJob();
    assert.deepEqual([second.ref.attempt, second.ref.fence > job.ref.fence], [2, true]);
    await assert.rejects(same.report(job.ref, { outcome: "succeeded", outputs: {}, progress: 1 }), {
      code: "session-gone",
    });
    assert.equal((await fixture.client.task(task.id)).jobs[0]?.attempts[0]?.outcome, "lost");
  });

  test("A10: a cancel reaches an open poll at once, and jobs that have not started never start", async () => {
    const fixture = await AgentFixture.start();
    const task = await fixture.request();
    const runner = await fixture.runner("seoul");
    const job = await runner.takeJob();
    await runner.start(job.ref);
    const open = runner.pollAll(0, 20_000);
    await fixture.client.cancel(task.id, { principal: "dev", reason: "wrong version" });
    const { cancels } = await open;
    assert.deepEqual(
      cancels.map((one) => [one.ref.job, one.reason]),
      [["build", "canceled by dev: wrong version"]],
    );
    await runner.report(job.ref, { outcome: "canceled", outputs: {}, progress: 0 });
    const done = await fixture.client.task(task.id);
    assert.deepEqual([done.state, done.jobs.map((one) => one.state)], ["canceled", ["canceled", "canceled"]]);
  });

  test("an effect is permitted once; a repeated request must verify, and then gets the stored result", async () => {
    const fixture = await AgentFixture.start();
    await fixture.request();
    const runner = await fixture.runner("seoul");
    const job = await runner.takeJob();
    await runner.start(job.ref);
    const request = { step: "make", effect: "push", ordinal: 0, what: "push it" };
    const first = await runner.effectBegin(job.ref, request);
    assert.equal(first.answer, "go");
    assert.equal((await runner.effectBegin(job.ref, request)).answer, "verify");
    await runner.effectEnd(job.ref, first.key, { digest: "sha256:1" });
    const third = await runner.effectBegin(job.ref, request);
    assert.deepEqual(third, { answer: "done", key: first.key, result: { digest: "sha256:1" } });
  });

  test("A21: logs are appended by offset: a gap is rewound, a repeat is accepted, different bytes are refused, and the log can be read", async () => {
    const fixture = await AgentFixture.start();
    const task = await fixture.request();
    const runner = await fixture.runner("seoul");
    const job = await runner.takeJob();
    await runner.start(job.ref);
    const send = (ref: JobRef, offset: number, text: string, final = false) =>
      runner.log(ref, "make", offset, Buffer.from(text), crc32(text), final);
    assert.equal(await send(job.ref, 0, "one\n"), 4);
    assert.equal(await send(job.ref, 0, "one\n"), 4);
    await assert.rejects(send(job.ref, 9, "x"), { code: "log-rewind" });
    await assert.rejects(send(job.ref, 0, "two\n"), { code: "log-differs" });
    assert.equal(await send(job.ref, 4, "two\n", true), 8);
    const piece = await fixture.client.log({ task: task.id, job: "build", step: "make" }, 2, 100);
    assert.deepEqual([piece.bytes.toString(), piece.size, piece.final], ["e\ntwo\n", 8, true]);
  });

  test("tasks of one group wait for each other, also when a task in the middle is canceled", async () => {
    const fixture = await AgentFixture.start();
    const [a, b, c] = [await fixture.request(), await fixture.request(), await fixture.request()];
    assert.equal((await fixture.client.task(b.id)).waiting?.code, "concurrency");
    await fixture.client.cancel(b.id, { principal: "dev" });
    assert.equal((await fixture.client.task(b.id)).state, "canceled");
    await fixture.waitForEvent(c.id, "TaskRequeued");
    assert.equal(
      (await fixture.client.task(c.id)).waiting?.text,
      `Waiting in the concurrency group release behind task ${a.id}, which was requested before.`,
    );
    await fixture.client.cancel(a.id, { principal: "dev" });
    await fixture.waitForEvent(c.id, "JobWaiting");
    assert.equal((await fixture.client.task(c.id)).waiting?.code, "no-runner");
  });

  test("a rerun from the failed job keeps the outputs of the jobs that succeeded", async () => {
    const fixture = await AgentFixture.start();
    const task = await fixture.request();
    const [seoul, tokyo] = [await fixture.runner("seoul"), await fixture.runner("tokyo")];
    const build = await seoul.takeJob();
    await seoul.start(build.ref);
    await seoul.report(build.ref, { outcome: "succeeded", outputs: { image: "x@1" }, progress: 0 });
    const deploy = await tokyo.takeJob();
    await tokyo.start(deploy.ref);
    await tokyo.report(deploy.ref, {
      outcome: "failed",
      outputs: {},
      progress: 0,
      failure: { code: "gate-failed", message: "red" },
    });
    const again = await fixture.client.rerun(task.id, { principal: "dev", idempotencyKey: "rerun-1", from: "failed" });
    assert.deepEqual(
      again.jobs.map((job) => job.state === "succeeded"),
      [true, false],
    );
    const second = await tokyo.takeJob();
    assert.equal(second.ref.task, again.id);
    await tokyo.start(second.ref);
    await tokyo.report(second.ref, { outcome: "succeeded", outputs: {}, progress: 0 });
    const done = await fixture.client.task(again.id);
    assert.deepEqual([done.state, done.outputs, done.rerunOf], ["succeeded", { image: "x@1" }, task.id]);
  });

  test("a runner can act only for its own site", async () => {
    const fixture = await AgentFixture.start();
    await assert.rejects(ScriptedRunner.signIn(fixture.agent.url, "runner-token-of-seoul-0", "tokyo", "tokyo-9"), {
      code: "forbidden",
    });
    await assert.rejects(ScriptedRunner.signIn(fixture.agent.url, "no-such-token", "tokyo", "tokyo-9"), {
      code: "unauthenticated",
    });
    await fixture.request();
    const seoul = await fixture.runner("seoul");
    const job = await seoul.takeJob();
    const tokyo = await fixture.runner("tokyo");
    await assert.rejects(tokyo.start(job.ref), { code: "lease-lost" });
  });
});
