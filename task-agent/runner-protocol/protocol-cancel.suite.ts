// The rows of the protocol's table about cancels; protocol-table.test.ts runs them with the others.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ProtocolWorld } from "./protocol.fixture.ts";

/** The rows of the table about cancels. */
export function cancelRows(): void {
  describe("cancel", () => {
    test("cancel of what is queued or offered: canceled at once, a later claim is refused", async (t) => {
      const world = await ProtocolWorld.open(t);
      const { id } = await world.request("strict");
      const runner = await world.runner();
      const [offer] = await runner.poll(1);
      assert.ok(offer);
      assert.equal((await world.client.cancel(id, { principal: "dev" })).state, "canceled");
      await assert.rejects(runner.claim(offer), { code: "offer-gone" });
      assert.deepEqual((await world.kinds(id)).includes("JobClaimed"), false);
    });

    test("cancel of what is leased: told at once, no timer is touched, its report ends it", async (t) => {
      const world = await ProtocolWorld.open(t);
      const { task, runner, ref } = await world.running("strict");
      await world.clock.pass(100_000);
      const open = runner.pollAll(0, 20_000);
      await world.client.cancel(task, { principal: "dev", reason: "wrong version" });
      assert.deepEqual((await open).cancels, [{ ref, graceMs: 10_000, reason: "canceled by dev: wrong version" }]);
      await world.client.cancel(task, { principal: "dev" });
      const beat = await runner.heartbeat(ref);
      assert.equal(beat.state, "cancel");
      await runner.report(ref, { outcome: "canceled" });
      assert.equal((await world.client.task(task)).state, "canceled");
    });

    test("cancel with a silent runner, lenient: unconfirmed after the grace and a minute", async (t) => {
      const world = await ProtocolWorld.open(t);
      const { task, runner, ref } = await world.running("safe");
      await world.clock.pass(10_000);
      await world.client.cancel(task, { principal: "dev" });
      await world.clock.pass(20_000);
      assert.equal((await runner.heartbeat(ref)).state, "cancel", "a runner that answers is waited for");
      await world.clock.pass(69_000);
      assert.equal((await world.job(task)).state, "running");
      await world.clock.pass(3_000);
      await world.fact(task, "TaskEnded");
      const job = await world.job(task);
      assert.deepEqual([job.state, job.failure?.code], ["canceled", "cancel-unconfirmed"]);
      assert.deepEqual(world.alarms, ["cancel-unconfirmed"]);
      assert.equal((await runner.heartbeat(ref)).state, "lost");
      await assert.rejects(runner.report(ref, { outcome: "canceled" }), { code: "lease-lost" });
      assert.equal((await world.job(task)).attempts[0]?.late?.outcome, "canceled");
    });

    test("cancel with a silent runner, strict: unconfirmed when its lease is over, not earlier and not later", async (t) => {
      const world = await ProtocolWorld.open(t);
      const { task } = await world.running("strict");
      await world.clock.pass(100_000);
      await world.client.cancel(task, { principal: "dev" });
      await world.clock.pass(19_000);
      assert.equal((await world.job(task)).state, "running");
      await world.clock.pass(2_000);
      await world.fact(task, "TaskEnded");
      assert.deepEqual([(await world.job(task)).state, world.alarms], ["canceled", ["cancel-unconfirmed"]]);
    });

    test("success races cancel: the first end stays", async (t) => {
      const world = await ProtocolWorld.open(t);
      const { task, runner, ref } = await world.running("strict");
      const cancel = world.client.cancel(task, { principal: "dev" });
      await Promise.allSettled([runner.report(ref), cancel]);
      const ended = await world.client.task(task);
      assert.equal(ended.state, "succeeded");
      await assert.rejects(world.client.cancel(task, { principal: "dev" }), { code: "already-ended" });
      await assert.rejects(runner.report(ref, { outcome: "canceled" }), { code: "report-differs" });
      assert.equal((await world.client.task(task)).state, "succeeded");
    });

    test("finally after cancel: runs, and is not canceled itself", async (t) => {
      const world = await ProtocolWorld.open(t);
      const { task, runner, ref } = await world.running("cleaned");
      await world.client.cancel(task, { principal: "dev" });
      await runner.report(ref, { outcome: "canceled" });
      const clean = await runner.takeJob();
      assert.equal(clean.ref.job, "clean");
      await runner.start(clean.ref);
      assert.equal((await runner.heartbeat(clean.ref)).state, "ok");
      await runner.report(clean.ref);
      assert.equal((await world.client.task(task)).state, "canceled");
    });
  });
}
