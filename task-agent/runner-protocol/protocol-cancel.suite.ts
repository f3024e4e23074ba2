// The rows about cancels of the protocol's table. protocol-table.test.ts runs them with the others.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ProtocolFixture } from "./protocol.fixture.ts";

/** The rows of the table about cancels. */
export function cancelRows(): void {
  describe("cancel", () => {
    test("cancel of a queued or offered job: canceled at once, and a later claim is refused", async (t) => {
      const fixture = await ProtocolFixture.open(t);
      const { id } = await fixture.request("strict");
      const runner = await fixture.runner();
      const [offer] = await runner.poll(1);
      assert.ok(offer);
      assert.equal((await fixture.client.cancel(id, { principal: "dev" })).state, "canceled");
      await assert.rejects(runner.claim(offer), { code: "offer-gone" });
      assert.deepEqual((await fixture.kinds(id)).includes("JobClaimed"), false);
    });

    test("cancel of a leased job: the runner is informed at once, no timer changes, and its report ends the job", async (t) => {
      const fixture = await ProtocolFixture.open(t);
      const { task, runner, ref } = await fixture.running("strict");
      const { proof: _, ...named } = ref;
      await fixture.clock.pass(100_000);
      const open = runner.pollAll(0, 20_000);
      await fixture.client.cancel(task, { principal: "dev", reason: "wrong version" });
      assert.deepEqual((await open).cancels, [
        { ref: named, graceMs: 10_000, reason: "canceled by dev: wrong version" },
      ]);
      await fixture.client.cancel(task, { principal: "dev" });
      const beat = await runner.heartbeat(ref);
      assert.equal(beat.state, "cancel");
      await runner.report(ref, { outcome: "canceled" });
      assert.equal((await fixture.client.task(task)).state, "canceled");
    });

    test("cancel with a silent runner, lenient: unconfirmed after the grace period and a minute", async (t) => {
      const fixture = await ProtocolFixture.open(t);
      const { task, runner, ref } = await fixture.running("safe");
      await fixture.clock.pass(10_000);
      await fixture.client.cancel(task, { principal: "dev" });
      await fixture.clock.pass(20_000);
      assert.equal((await runner.heartbeat(ref)).state, "cancel", "the agent waits for a runner that answers");
      await fixture.clock.pass(69_000);
      assert.equal((await fixture.job(task)).state, "running");
      await fixture.clock.pass(3_000);
      await fixture.waitForEvent(task, "TaskEnded");
      const job = await fixture.job(task);
      assert.deepEqual([job.state, job.failure?.code], ["canceled", "cancel-unconfirmed"]);
      assert.deepEqual(fixture.alarms, ["cancel-unconfirmed"]);
      assert.equal((await runner.heartbeat(ref)).state, "lost");
      await assert.rejects(runner.report(ref, { outcome: "canceled" }), { code: "lease-lost" });
      assert.equal((await fixture.job(task)).attempts[0]?.late?.outcome, "canceled");
    });

    test("cancel with a silent runner, strict: unconfirmed exactly when its lease ends", async (t) => {
      const fixture = await ProtocolFixture.open(t);
      const { task } = await fixture.running("strict");
      await fixture.clock.pass(100_000);
      await fixture.client.cancel(task, { principal: "dev" });
      await fixture.clock.pass(19_000);
      assert.equal((await fixture.job(task)).state, "running");
      await fixture.clock.pass(2_000);
      await fixture.waitForEvent(task, "TaskEnded");
      assert.deepEqual([(await fixture.job(task)).state, fixture.alarms], ["canceled", ["cancel-unconfirmed"]]);
    });

    test("success races cancel: the first outcome stays", async (t) => {
      const fixture = await ProtocolFixture.open(t);
      const { task, runner, ref } = await fixture.running("strict");
      const cancel = fixture.client.cancel(task, { principal: "dev" });
      await Promise.allSettled([runner.report(ref), cancel]);
      const ended = await fixture.client.task(task);
      assert.equal(ended.state, "succeeded");
      await assert.rejects(fixture.client.cancel(task, { principal: "dev" }), { code: "already-ended" });
      await assert.rejects(runner.report(ref, { outcome: "canceled" }), { code: "report-differs" });
      assert.equal((await fixture.client.task(task)).state, "succeeded");
    });

    test("a second cancel stops a job of finally that hangs", async (t) => {
      const fixture = await ProtocolFixture.open(t);
      const { task, runner, ref } = await fixture.running("cleaned");
      await fixture.client.cancel(task, { principal: "dev" });
      await runner.report(ref, { outcome: "canceled" });
      const clean = await runner.takeJob();
      const { proof: _, ...named } = clean.ref;
      await runner.start(clean.ref);
      await fixture.client.cancel(task, { principal: "dev" });
      assert.equal((await runner.heartbeat(clean.ref)).state, "ok", "a double click is one cancel");
      await fixture.clock.pass(6_000);
      const open = runner.pollAll(0, 20_000);
      await fixture.client.cancel(task, { principal: "ops", reason: "cleaning hangs" });
      assert.deepEqual((await open).cancels, [
        { ref: named, graceMs: 10_000, reason: "canceled by ops: cleaning hangs" },
      ]);
      assert.equal((await runner.heartbeat(clean.ref)).state, "cancel");
      await runner.report(clean.ref, { outcome: "canceled" });
      const ended = await fixture.client.task(task);
      assert.deepEqual([ended.state, ended.cancel?.by], ["canceled", "ops"]);
    });

    test("a cancel of a task that was canceled is answered as the first time", async (t) => {
      const fixture = await ProtocolFixture.open(t);
      const { id } = await fixture.request("strict");
      const first = await fixture.client.cancel(id, { principal: "dev", reason: "wrong version" });
      assert.equal(first.state, "canceled");
      await fixture.clock.pass(60_000);
      assert.deepEqual(await fixture.client.cancel(id, { principal: "ops" }), first);
      assert.equal((await fixture.kinds(id)).filter((kind) => kind === "TaskCancelRequested").length, 1);
    });

    test("finally after cancel: the job runs and is not canceled itself", async (t) => {
      const fixture = await ProtocolFixture.open(t);
      const { task, runner, ref } = await fixture.running("cleaned");
      await fixture.client.cancel(task, { principal: "dev" });
      await runner.report(ref, { outcome: "canceled" });
      const clean = await runner.takeJob();
      assert.equal(clean.ref.job, "clean");
      await runner.start(clean.ref);
      assert.equal((await runner.heartbeat(clean.ref)).state, "ok");
      await runner.report(clean.ref);
      assert.equal((await fixture.client.task(task)).state, "canceled");
    });
  });
}
