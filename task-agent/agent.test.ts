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
import { PlayedRunner } from "./runner-protocol/runner.fixture.ts";

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

class World {
  readonly data: string;
  agent: Listening;
  client: AgentClient;
  key = 0;

  private constructor(data: string, agent: Listening) {
    this.data = data;
    this.agent = agent;
    this.client = makeAgentClient({ url: agent.url, token: TOKEN });
  }

  static async start(): Promise<World> {
    const data = await mkdtemp(join(tmpdir(), "gantry-agent-"));
    await writeFile(join(data, "release.yaml"), PIPELINE);
    const world = new World(data, await World.#open(data));
    after(async () => {
      await world.agent.close();
      await rm(data, { recursive: true });
    });
    return world;
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

  /** What a crash leaves behind is what is in the files; closing adds nothing to them. */
  async restart(): Promise<void> {
    await this.agent.close();
    this.agent = await World.#open(this.data);
    this.client = makeAgentClient({ url: this.agent.url, token: TOKEN });
  }

  async runner(site: "seoul" | "tokyo", name = `${site}-1`): Promise<PlayedRunner> {
    return PlayedRunner.signIn(this.agent.url, `runner-token-of-${site}-0`, site, name);
  }

  /** Waits on the feed until this has happened to the task. */
  async fact(task: string, kind: string): Promise<void> {
    for (let after = 0; ; ) {
      const page = await this.client.feed({ after, limit: 100, waitMs: 10_000 });
      if (page.events.some((event) => event.subject === task && event.data.event.kind === kind)) return;
      if (page.events.length === 0) throw new Error(`no ${kind} came`);
      after = page.last;
    }
  }

  request(params: Record<string, string> = { version: "1.0" }, key = `key-${++this.key}`) {
    return this.client.startTask({ pipeline: "release", params, idempotencyKey: key, principal: "dev" });
  }
}

describe("the task-agent, from outside", () => {
  test("a task goes from the request through two sites to its end, and every fact is on the feed in order", async () => {
    const world = await World.start();
    const task = await world.request();
    assert.equal(task.state, "queued");
    const seoul = await world.runner("seoul");
    const build = await seoul.takeJob();
    assert.equal(build.spec.title, "build");
    assert.deepEqual(build.spec.scope.params, { version: "1.0" });
    await seoul.start(build.ref);
    await seoul.progress(build.ref, 1, [
      { kind: "step-started", step: "make" },
      { kind: "step-ended", step: "make", outcome: "succeeded", durationMs: 5, outputs: { image: "x@sha256:1" } },
    ]);
    await seoul.report(build.ref, { outcome: "succeeded", outputs: { image: "x@sha256:1" }, progress: 2 });

    const tokyo = await world.runner("tokyo");
    const deploy = await tokyo.takeJob();
    await tokyo.start(deploy.ref);
    await tokyo.report(deploy.ref, { outcome: "succeeded", outputs: {}, progress: 0 });

    const done = await world.client.task(task.id);
    assert.equal(done.state, "succeeded");
    assert.deepEqual(done.outputs, { image: "x@sha256:1" });
    assert.deepEqual(done.sites, ["seoul", "tokyo"]);
    const feed = await world.client.feed({ after: 0, limit: 100 });
    assert.deepEqual(
      feed.events.map((event) => event.taskseq),
      feed.events.map((_, index) => index + 1),
    );
    assert.deepEqual(
      [feed.events[0]?.type, feed.events.at(-1)?.type],
      ["dev.gantry.task.requested.v1", "dev.gantry.task.ended.v1"],
    );
  });

  test("a task that waits says for what", async () => {
    const world = await World.start();
    const task = await world.request();
    await world.fact(task.id, "JobWaiting");
    const waiting = await world.client.task(task.id);
    assert.equal(waiting.waiting?.code, "no-runner");
    assert.equal(waiting.headline, "Run release is waiting. Waiting for a runner at seoul: none has ever registered.");
  });

  test("the same key gives the same task, another body with it is refused, 100 at once start one", async () => {
    const world = await World.start();
    const many = await Promise.all(Array.from({ length: 100 }, () => world.request({ version: "2.0" }, "one-key")));
    assert.equal(new Set(many.map((task) => task.id)).size, 1);
    await assert.rejects(world.request({ version: "3.0" }, "one-key"), { code: "idempotency-key-reused" });
    assert.equal((await world.client.tasks({})).items.length, 1);
  });

  test("wrong parameters are refused with the place of each mistake, and nothing is kept", async () => {
    const world = await World.start();
    await assert.rejects(
      world.request({ version: "abc", extra: "1" }),
      (error: { code: string; problems: { pointer: string }[] }) => {
        assert.equal(error.code, "bad-params");
        assert.deepEqual(error.problems.map((one) => one.pointer).toSorted(), ["/extra", "/version"]);
        return true;
      },
    );
    assert.equal((await world.client.tasks({})).items.length, 0);
  });

  test("an offer is repeated on every poll until it is claimed, and goes to somebody else when it is declined", async () => {
    const world = await World.start();
    const first = await world.runner("seoul", "seoul-1");
    const task = await world.request();
    const [offer] = await first.poll(1);
    const [again] = await first.poll(1);
    assert.deepEqual(again, offer);
    await first.decline(offer as Offer);
    const second = await world.runner("seoul", "seoul-2");
    const job = await second.takeJob();
    assert.equal(job.ref.task, task.id);
    await assert.rejects(first.claim(offer as Offer), { code: "offer-gone" });
  });

  test("after a restart of the agent the runner goes on under the same fence; one that came back empty-handed loses it", async () => {
    const world = await World.start();
    const task = await world.request();
    const runner = await world.runner("seoul");
    const job = await runner.takeJob();
    await runner.start(job.ref);
    await world.restart();
    await assert.rejects(
      PlayedRunner.resume(world.agent.url, runner).progress(job.ref, 1, [{ kind: "step-started", step: "make" }]),
      { code: "session-gone" },
    );
    const same = await PlayedRunner.signIn(world.agent.url, "runner-token-of-seoul-0", "seoul", "seoul-1", [
      { ref: job.ref, started: true },
    ]);
    assert.deepEqual(same.directives, [{ ref: job.ref, do: "continue" }]);
    await same.progress(job.ref, 1, [{ kind: "step-started", step: "make" }]);

    const empty = await world.runner("seoul");
    const second = await empty.takeJob();
    assert.deepEqual([second.ref.attempt, second.ref.fence > job.ref.fence], [2, true]);
    await assert.rejects(same.report(job.ref, { outcome: "succeeded", outputs: {}, progress: 1 }), {
      code: "session-gone",
    });
    assert.equal((await world.client.task(task.id)).jobs[0]?.attempts[0]?.outcome, "lost");
  });

  test("cancel reaches a runner whose poll is open at once, and what did not begin never will", async () => {
    const world = await World.start();
    const task = await world.request();
    const runner = await world.runner("seoul");
    const job = await runner.takeJob();
    await runner.start(job.ref);
    const open = runner.pollAll(0, 20_000);
    await world.client.cancel(task.id, { principal: "dev", reason: "wrong version" });
    const { cancels } = await open;
    assert.deepEqual(
      cancels.map((one) => [one.ref.job, one.reason]),
      [["build", "canceled by dev: wrong version"]],
    );
    await runner.report(job.ref, { outcome: "canceled", outputs: {}, progress: 0 });
    const done = await world.client.task(task.id);
    assert.deepEqual([done.state, done.jobs.map((one) => one.state)], ["canceled", ["canceled", "canceled"]]);
  });

  test("an effect is permitted once, then answered from the record; a later attempt must look first", async () => {
    const world = await World.start();
    await world.request();
    const runner = await world.runner("seoul");
    const job = await runner.takeJob();
    await runner.start(job.ref);
    const wish = { step: "make", effect: "push", ordinal: 0, what: "push it" };
    const first = await runner.effectBegin(job.ref, wish);
    assert.equal(first.answer, "go");
    assert.equal((await runner.effectBegin(job.ref, wish)).answer, "verify");
    await runner.effectEnd(job.ref, first.key, { digest: "sha256:1" });
    const third = await runner.effectBegin(job.ref, wish);
    assert.deepEqual(third, { answer: "done", key: first.key, result: { digest: "sha256:1" } });
  });

  test("logs are appended by offset: a gap rewinds, a repeat is fine, other bytes are refused, and it can be read back", async () => {
    const world = await World.start();
    const task = await world.request();
    const runner = await world.runner("seoul");
    const job = await runner.takeJob();
    await runner.start(job.ref);
    const send = (ref: JobRef, offset: number, text: string, final = false) =>
      runner.log(ref, "make", offset, Buffer.from(text), crc32(text), final);
    assert.equal(await send(job.ref, 0, "one\n"), 4);
    assert.equal(await send(job.ref, 0, "one\n"), 4);
    await assert.rejects(send(job.ref, 9, "x"), { code: "log-rewind" });
    await assert.rejects(send(job.ref, 0, "two\n"), { code: "log-differs" });
    assert.equal(await send(job.ref, 4, "two\n", true), 8);
    const piece = await world.client.log({ task: task.id, job: "build", step: "make" }, 2, 100);
    assert.deepEqual([piece.bytes.toString(), piece.size, piece.final], ["e\ntwo\n", 8, true]);
  });

  test("tasks of one group wait for each other, also when one in the middle is canceled", async () => {
    const world = await World.start();
    const [a, b, c] = [await world.request(), await world.request(), await world.request()];
    assert.equal((await world.client.task(b.id)).waiting?.code, "concurrency");
    await world.client.cancel(b.id, { principal: "dev" });
    assert.equal((await world.client.task(b.id)).state, "canceled");
    await world.fact(c.id, "TaskRequeued");
    assert.equal(
      (await world.client.task(c.id)).waiting?.text,
      `Waiting for task ${a.id}, which was requested before.`,
    );
    await world.client.cancel(a.id, { principal: "dev" });
    await world.fact(c.id, "JobWaiting");
    assert.equal((await world.client.task(c.id)).waiting?.code, "no-runner");
  });

  test("a rerun from the failed job keeps the outputs of what succeeded", async () => {
    const world = await World.start();
    const task = await world.request();
    const [seoul, tokyo] = [await world.runner("seoul"), await world.runner("tokyo")];
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
    const again = await world.client.rerun(task.id, { principal: "dev", idempotencyKey: "rerun-1", from: "failed" });
    assert.deepEqual(
      again.jobs.map((job) => job.state === "succeeded"),
      [true, false],
    );
    const second = await tokyo.takeJob();
    assert.equal(second.ref.task, again.id);
    await tokyo.start(second.ref);
    await tokyo.report(second.ref, { outcome: "succeeded", outputs: {}, progress: 0 });
    const done = await world.client.task(again.id);
    assert.deepEqual([done.state, done.outputs, done.rerunOf], ["succeeded", { image: "x@1" }, task.id]);
  });

  test("a runner speaks only for its own site", async () => {
    const world = await World.start();
    await assert.rejects(PlayedRunner.signIn(world.agent.url, "runner-token-of-seoul-0", "tokyo", "tokyo-9"), {
      code: "forbidden",
    });
    await assert.rejects(PlayedRunner.signIn(world.agent.url, "no-such-token", "tokyo", "tokyo-9"), {
      code: "unauthenticated",
    });
    await world.request();
    const seoul = await world.runner("seoul");
    const job = await seoul.takeJob();
    const tokyo = await world.runner("tokyo");
    await assert.rejects(tokyo.start(job.ref), { code: "lease-lost" });
  });
});
