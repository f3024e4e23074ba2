// The rows of the protocol's table about runners that are full, replaced or removed. protocol-table.test.ts runs them with
// the others.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { ProtocolFixture } from "./protocol.fixture.ts";

/** A moment after a strict lease ends. */
const STRICT_MS = 121_000;

/** The rows of the table about runners that are full, replaced or removed. */
export function replacementRows(): void {
  describe("runners that are full, replaced or removed", () => {
    test("runner gets an offer while full: it declines, and is offered nothing for five seconds", async (t) => {
      const fixture = await ProtocolFixture.open(t);
      const { id } = await fixture.request("strict");
      const runner = await fixture.runner();
      const [offer] = await runner.poll(1);
      assert.ok(offer);
      await runner.decline(offer);
      const open = runner.pollAll(1, 20_000);
      await fixture.waitForEvent(id, "JobWaiting");
      assert.equal((await fixture.job(id)).waiting?.code, "all-busy");
      await fixture.clock.pass(5_010);
      assert.equal((await open).offers[0]?.ref.attempt, 1);
      const [again] = await runner.poll(1);
      assert.ok(again);
      await runner.decline(again);
      const full = runner.pollAll(0, 1_000);
      const free = runner.pollAll(1, 20_000);
      await full;
      assert.equal(
        (await free).offers.length,
        1,
        "a runner that reported being full and then has free slots gets offers",
      );
    });

    test("runner removed: jobs that it has not started are reassigned at once, the others when their lease ends; it may not register again", async (t) => {
      const fixture = await ProtocolFixture.open(t);
      const started = await fixture.running("strict");
      const second = await fixture.request("strict");
      const claimed = await started.runner.takeJob();
      const call = (verb: string) =>
        fetch(`${fixture.agent.url}/agent/v1/runners/seoul-1/${verb}`, {
          method: "POST",
          headers: { authorization: "Bearer platform-token-of-this-test" },
        });
      assert.equal((await call("remove")).status, 204);
      await assert.rejects(started.runner.heartbeat(started.ref), { code: "session-gone" });
      await assert.rejects(fixture.runner(), { code: "unauthenticated" });
      assert.deepEqual((await fixture.client.runners()).items, []);
      assert.equal((await fixture.job(started.task)).state, "running");
      const other = await fixture.runner("seoul-2");
      const job = await other.takeJob();
      assert.deepEqual([job.ref.task, claimed.ref.task], [second.id, second.id]);
      await fixture.clock.pass(STRICT_MS);
      await fixture.waitForEvent(started.task, "AttemptLost");
      assert.equal((await call("readmit")).status, 204);
      await fixture.runner();
    });

    test("two processes of one name: the newer one takes over at once, and the older one may never come back", async (t) => {
      const fixture = await ProtocolFixture.open(t);
      const { task, runner, ref } = await fixture.running("safe");
      const newer = await fixture.runner("seoul-1", [{ ref, started: true }]);
      await assert.rejects(runner.heartbeat(ref), { code: "session-gone" });
      for (const again of ["at once", "after a restart of the agent"]) {
        await assert.rejects(fixture.runner("seoul-1", [{ ref, started: true }], { bootId: runner.bootId }), {
          code: "session-gone",
        });
        if (again === "at once") await fixture.restart();
      }
      const same = await fixture.runner("seoul-1", [{ ref, started: true }], { bootId: newer.bootId });
      await same.report(ref, { outputs: { made: "x" } });
      assert.equal((await fixture.client.task(task)).state, "succeeded");
      await fixture.runner("seoul-1", [], { bootId: randomUUID() });
    });

    test("a registration that arrives late or twice takes no job away", async (t) => {
      const fixture = await ProtocolFixture.open(t);
      const { id } = await fixture.request("strict");
      const runner = await fixture.runner("seoul-1", [], { registration: 2 });
      const { ref } = await runner.takeJob();
      await runner.start(ref);
      for (const registration of [1, 2])
        await assert.rejects(fixture.runner("seoul-1", [], { bootId: runner.bootId, registration }), {
          code: "conflict",
        });
      await runner.report(ref, { outputs: { made: "x" } });
      assert.equal((await fixture.client.task(id)).state, "succeeded");
    });

    test("worker hangs on cancel: the report says so, and an alarm is raised", async (t) => {
      const fixture = await ProtocolFixture.open(t);
      const { task, runner, ref } = await fixture.running("strict");
      await fixture.client.cancel(task, { principal: "dev" });
      await runner.report(ref, { outcome: "canceled", failure: { code: "kill-failed", message: "still there" } });
      assert.deepEqual(fixture.alarms, ["kill-failed"]);
      assert.equal((await fixture.job(task)).failure?.code, "kill-failed");
    });
  });
}
