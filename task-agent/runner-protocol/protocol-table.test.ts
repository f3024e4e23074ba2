// What happens when: one test for each row of the protocol's table. Runners are played, HTTP and store are real, time is
// moved. The runner's own half of the rows is in task-runner/*.test.ts, both halves together in lab/soak and lab/simulator.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { ProtocolWorld } from "./protocol.fixture.ts";
import { cancelRows } from "./protocol-cancel.suite.ts";

const LEASE_LOST = { code: "lease-lost" };
/** When leases are given away, a moment later. */
const [STRICT_MS, LENIENT_MS] = [121_000, 1_801_000];

describe("runners that are gone", () => {
  test("runner crash before start: always queued again, the attempt is not charged", async (t) => {
    const world = await ProtocolWorld.open(t);
    const { task, ref, runner } = await world.running("unsafe", { started: false });
    await world.clock.pass(LENIENT_MS);
    await world.fact(task, "AttemptLost");
    const other = await world.runner("seoul-2");
    const second = await other.takeJob();
    assert.deepEqual([second.ref.attempt, second.ref.fence > ref.fence], [2, true]);
    await other.start(second.ref);
    await assert.rejects(runner.start(ref), LEASE_LOST);
  });

  test("runner crash after start: a new process that lists nothing gives it away at once; what is not retrySafe is held", async (t) => {
    const world = await ProtocolWorld.open(t);
    const safe = await world.running("safe");
    await world.runner();
    assert.equal((await world.job(safe.task)).attempts[0]?.outcome, "lost");
    const again = await (await world.runner()).takeJob();
    assert.equal(again.ref.attempt, 2);

    const unsafe = await world.running("unsafe", { name: "seoul-9" });
    await world.runner("seoul-9");
    const held = await world.job(unsafe.task);
    assert.equal(held.state, "held");
    assert.match(held.waiting?.text ?? "", /not marked retrySafe; may it run again\?/);
    for (const answer of ["run-again", "mark-done"] as const) {
      if (answer === "mark-done") {
        const third = await (await world.runner("seoul-9")).takeJob();
        const runner = await world.runner("seoul-9", [{ ref: third.ref, started: false }]);
        await runner.start(third.ref);
        await world.runner("seoul-9");
      }
      await world.client.resolve(unsafe.task, { principal: "ops", job: "work", answer });
    }
    assert.equal((await world.client.task(unsafe.task)).state, "succeeded");
  });

  test("runner crash after start: without a new process it is given away when its lease is over, twice at most", async (t) => {
    const world = await ProtocolWorld.open(t);
    const { task } = await world.running("strict");
    for (const attempt of [2, 3]) {
      await world.clock.pass(STRICT_MS);
      await world.fact(task, "AttemptLost", attempt - 1);
      const runner = await world.runner(`seoul-${attempt}`);
      const job = await runner.takeJob();
      assert.equal(job.ref.attempt, attempt);
      await runner.start(job.ref);
    }
    await world.clock.pass(STRICT_MS);
    await world.fact(task, "JobHeld");
    assert.match((await world.job(task)).waiting?.text ?? "", /lost 3 times/);
  });
});

describe("partitions", () => {
  test("partition longer than the lease, strict: suspect, then given away; the late end is kept and decides nothing", async (t) => {
    const world = await ProtocolWorld.open(t);
    const { task, runner, ref } = await world.running("strict");
    await world.log(runner, ref, 0, "one\n");
    await world.clock.pass(91_000);
    const suspect = await world.job(task);
    assert.deepEqual([suspect.state, typeof suspect.notHeardSince], ["running", "string"]);
    await world.clock.pass(28_000);
    assert.equal((await world.job(task)).state, "running", "not a moment earlier");
    await world.clock.pass(2_000);
    await world.fact(task, "AttemptLost");

    const other = await world.runner("seoul-2");
    const second = await other.takeJob();
    await other.start(second.ref);
    await assert.rejects(runner.report(ref, { outputs: { made: "late" } }), LEASE_LOST);
    assert.equal(await world.log(runner, ref, 4, "two\n", true), 8, "its log is still taken");
    const log = await world.client.log({ task, job: "work", step: "make", attempt: 1 }, 0, 100);
    assert.equal(log.bytes.toString(), "one\ntwo\n");
    await other.report(second.ref, { outcome: "failed", failure: { code: "x", message: "no" } });
    const [first, last] = (await world.job(task)).attempts;
    assert.deepEqual(
      [first?.outcome, first?.late?.outcome, first?.late?.outputs],
      ["lost", "succeeded", { made: "late" }],
    );
    assert.deepEqual([last?.outcome, (await world.client.task(task)).state], ["failed", "failed"]);
  });

  test("partition longer than W, lenient: suspect, not given away; it goes on under the same fence", async (t) => {
    const world = await ProtocolWorld.open(t);
    const { task, runner, ref } = await world.running("safe");
    await world.clock.pass(1_790_000);
    assert.equal(typeof (await world.job(task)).notHeardSince, "string");
    assert.equal((await runner.heartbeat(ref)).state, "ok");
    assert.equal((await world.job(task)).notHeardSince, undefined);
    await world.clock.pass(1_790_000);
    await runner.report(ref, { outputs: { made: "x" } });
    assert.equal((await world.client.task(task)).state, "succeeded");
    assert.equal((await world.job(task)).attempts.length, 1);
  });
});

describe("agents that crash", () => {
  test("agent crash before an offer was told: nothing happened, it is offered again", async (t) => {
    const world = await ProtocolWorld.open(t);
    const { id } = await world.request("unsafe");
    await world.restart();
    const job = await (await world.runner()).takeJob();
    assert.deepEqual([job.ref.task, job.ref.attempt], [id, 1]);
  });

  test("agent crash after an offer, or its reply lost: told again on every poll, by the next agent too; it expires uncharged", async (t) => {
    const world = await ProtocolWorld.open(t);
    const { id } = await world.request("unsafe");
    const runner = await world.runner();
    const [offer] = await runner.poll(1);
    assert.deepEqual(await runner.poll(1), [offer]);
    await world.restart();
    const back = await world.runner();
    const [again] = await back.poll(1);
    assert.ok(offer && again && again.ref.fence > offer.ref.fence);
    await world.clock.pass(16_000);
    const job = await (await world.runner("seoul-2")).takeJob();
    assert.deepEqual([job.ref.task, job.ref.attempt], [id, 1]);
    await assert.rejects(back.claim(again), { code: "offer-gone" });
  });

  test("agent crash after a claim, or its reply lost: the same claim has the same answer; forgotten, it is queued again uncharged", async (t) => {
    const world = await ProtocolWorld.open(t);
    const { id } = await world.request("unsafe");
    const runner = await world.runner();
    const [offer] = await runner.poll(1);
    assert.ok(offer);
    assert.deepEqual(await runner.claim(offer), await runner.claim(offer));
    assert.equal((await world.kinds(id)).filter((kind) => kind === "JobClaimed").length, 1);
    await world.restart();
    // The process knows nothing of its claim: it never heard the answer.
    const back = await world.runner("seoul-1", [], { bootId: runner.bootId });
    const job = await back.takeJob();
    assert.deepEqual([job.ref.attempt, (await world.job(id)).state], [2, "running"]);
    await back.start(job.ref);
    await back.report(job.ref);
    assert.equal((await world.client.task(id)).state, "succeeded");
  });

  test("agents down for 20 minutes: every lease gets its full time once more, nothing is run twice", async (t) => {
    const world = await ProtocolWorld.open(t);
    const lenient = await world.running("safe");
    const strict = await world.running("strict", { name: "seoul-2" });
    await world.restart(1_200_000);
    await world.clock.pass(119_000);
    for (const { task } of [lenient, strict]) assert.equal((await world.job(task)).state, "running");
    const back = await world.runner("seoul-1", [{ ref: lenient.ref, started: true }], { bootId: lenient.boot });
    assert.deepEqual(back.directives, [{ ref: lenient.ref, do: "continue" }]);
    await world.clock.pass(2_000);
    await world.fact(strict.task, "AttemptLost");
    await back.report(lenient.ref, { outputs: { made: "x" } });
    assert.equal((await world.job(lenient.task)).attempts.length, 1);
  });

  test("agents that crash again and again: a dead runner's lease gets its time once, a living one keeps it", async (t) => {
    const world = await ProtocolWorld.open(t);
    const dead = await world.running("safe");
    const alive = await world.running("safe", { name: "seoul-2" });
    await world.clock.pass(11_000);
    for (let minutes = 0; minutes < 33; minutes += 3) {
      await world.restart();
      const back = await world.runner("seoul-2", [{ ref: alive.ref, started: true }], { bootId: alive.boot });
      assert.equal(back.directives[0]?.do, "continue");
      await world.clock.pass(180_000);
    }
    await world.fact(dead.task, "AttemptLost");
    assert.equal((await world.job(alive.task)).attempts.length, 1);
  });
});

describe("reports", () => {
  test("duplicate report: the same again is answered as the first time, another one is refused with an alarm, the first wins", async (t) => {
    const world = await ProtocolWorld.open(t);
    const { task, runner, ref } = await world.running("safe");
    await runner.report(ref, { outputs: { made: "x", more: "y" } });
    await runner.report(ref, { outputs: { more: "y", made: "x" } });
    await assert.rejects(runner.report(ref, { outputs: { made: "other", more: "y" } }), { code: "report-differs" });
    await assert.rejects(runner.report(ref, { outcome: "errored" }), { code: "report-differs" });
    assert.deepEqual(world.alarms, ["report-differs", "report-differs"]);
    assert.equal((await world.client.task(task)).state, "succeeded");
    await world.restart();
    const back = await world.runner("seoul-1", [], { bootId: runner.bootId });
    await back.report(ref, { outputs: { made: "x", more: "y" } });
  });

  test("late report after it was given away: stale, kept once, also when the task has ended", async (t) => {
    const world = await ProtocolWorld.open(t);
    const { task, runner, ref } = await world.running("strict");
    await world.clock.pass(STRICT_MS);
    await world.fact(task, "AttemptLost");
    const other = await world.runner("seoul-2");
    const second = await other.takeJob();
    await other.start(second.ref);
    await other.report(second.ref);
    const failed = { outcome: "failed" as const, failure: { code: "x", message: "no" } };
    await assert.rejects(runner.report(ref, failed), LEASE_LOST);
    await assert.rejects(runner.report(ref, { outputs: { made: "y" } }), LEASE_LOST);
    const ended = await world.client.task(task);
    assert.deepEqual([ended.state, ended.jobs[0]?.attempts[0]?.late?.outcome], ["succeeded", "failed"]);
    assert.equal((await world.kinds(task)).filter((kind) => kind === "ReportCameLate").length, 1);
  });

  test("late report of a lenient job that was not given away: accepted", async (t) => {
    const world = await ProtocolWorld.open(t);
    const { task, runner, ref } = await world.running("safe");
    await world.clock.pass(1_000_000);
    await runner.report(ref);
    assert.equal((await world.client.task(task)).state, "succeeded");
  });

  test("report for work that the store does not know (it was set back): the counter is raised, somebody is told, nothing is believed", async (t) => {
    const world = await ProtocolWorld.open(t);
    const { id } = await world.request("safe");
    const restore = await world.backup();
    const runner = await world.runner();
    const job = await runner.takeJob();
    await runner.start(job.ref);
    const unknown = await world.running("safe", { name: "seoul-2" });
    await restore();

    // The clock that fences are made of was set back with it, which is the worst case.
    world.clock.jumpWall(-3_600_000);
    const back = await world.runner("seoul-1", [{ ref: job.ref, started: true }], { bootId: runner.bootId });
    assert.deepEqual(back.directives, [{ ref: job.ref, do: "drop" }]);
    const other = await world.runner("seoul-2");
    await assert.rejects(other.report(unknown.ref), LEASE_LOST);
    await assert.rejects(other.report({ ...unknown.ref, fence: Number.MAX_SAFE_INTEGER }), LEASE_LOST);
    assert.deepEqual(world.alarms, ["store-rolled-back", "store-rolled-back", "store-rolled-back"]);
    assert.deepEqual((await world.job(id)).attempts, []);
    await world.restart();
    const again = await (await world.runner("seoul-3")).takeJob();
    assert.ok(again.ref.fence > unknown.ref.fence, "no fence is given twice");
    assert.ok(again.ref.fence < Number.MAX_SAFE_INTEGER / 2, "a fence that nobody can have been given uses nothing up");
    assert.equal(again.ref.task, id);
  });

  test("clock skew: what the clock on the wall says gives nothing away and delays nothing", async (t) => {
    const world = await ProtocolWorld.open(t);
    const { task, runner, ref } = await world.running("retried");
    world.clock.jumpWall(7_200_000);
    await world.clock.pass(2_000);
    assert.equal((await runner.heartbeat(ref)).state, "ok");
    world.clock.jumpWall(-14_400_000);
    await runner.report(ref, { outcome: "errored", failure: { code: "x", message: "no" } });
    await world.clock.pass(20_000);
    const open = runner.pollAll(1, 25_000);
    await world.clock.pass(9_000);
    assert.deepEqual((await world.kinds(task)).at(-1), "JobReady", "the delay is not over");
    await world.clock.pass(2_000);
    const [offer] = (await open).offers;
    assert.equal(offer?.ref.attempt, 2);
  });
});

cancelRows();

describe("runners that are full, replaced or removed", () => {
  test("runner gets an offer while full: it declines, and is left alone for five seconds", async (t) => {
    const world = await ProtocolWorld.open(t);
    const { id } = await world.request("strict");
    const runner = await world.runner();
    const [offer] = await runner.poll(1);
    assert.ok(offer);
    await runner.decline(offer);
    const open = runner.pollAll(1, 20_000);
    await world.fact(id, "JobWaiting");
    assert.equal((await world.job(id)).waiting?.code, "all-busy");
    await world.clock.pass(5_010);
    assert.equal((await open).offers[0]?.ref.attempt, 1);
    const [again] = await runner.poll(1);
    assert.ok(again);
    await runner.decline(again);
    const full = runner.pollAll(0, 1_000);
    const free = runner.pollAll(1, 20_000);
    await full;
    assert.equal((await free).offers.length, 1, "one that said it was full, and then has room, is believed");
  });

  test("runner deregistered: what it has not started goes at once, the rest when its lease is over; it may not come back", async (t) => {
    const world = await ProtocolWorld.open(t);
    const started = await world.running("strict");
    const second = await world.request("strict");
    const claimed = await started.runner.takeJob();
    const call = (verb: string) =>
      fetch(`${world.agent.url}/agent/v1/runners/seoul-1/${verb}`, {
        method: "POST",
        headers: { authorization: "Bearer platform-token-of-this-test" },
      });
    assert.equal((await call("remove")).status, 204);
    await assert.rejects(started.runner.heartbeat(started.ref), { code: "session-gone" });
    await assert.rejects(world.runner(), { code: "unauthenticated" });
    assert.deepEqual((await world.client.runners()).items, []);
    assert.equal((await world.job(started.task)).state, "running");
    const other = await world.runner("seoul-2");
    const job = await other.takeJob();
    assert.deepEqual([job.ref.task, claimed.ref.task], [second.id, second.id]);
    await world.clock.pass(STRICT_MS);
    await world.fact(started.task, "AttemptLost");
    assert.equal((await call("readmit")).status, 204);
    await world.runner();
  });

  test("two processes of one name: the newer one wins at once, the older one may never come back", async (t) => {
    const world = await ProtocolWorld.open(t);
    const { task, runner, ref } = await world.running("safe");
    const newer = await world.runner("seoul-1", [{ ref, started: true }]);
    await assert.rejects(runner.heartbeat(ref), { code: "session-gone" });
    for (const again of ["at once", "after a restart of the agent"]) {
      await assert.rejects(world.runner("seoul-1", [{ ref, started: true }], { bootId: runner.bootId }), {
        code: "session-gone",
      });
      if (again === "at once") await world.restart();
    }
    const same = await world.runner("seoul-1", [{ ref, started: true }], { bootId: newer.bootId });
    await same.report(ref, { outputs: { made: "x" } });
    assert.equal((await world.client.task(task)).state, "succeeded");
    await world.runner("seoul-1", [], { bootId: randomUUID() });
  });

  test("a registration that was overtaken on its way, or came twice, takes nothing away", async (t) => {
    const world = await ProtocolWorld.open(t);
    const { id } = await world.request("strict");
    const runner = await world.runner("seoul-1", [], { registration: 2 });
    const { ref } = await runner.takeJob();
    await runner.start(ref);
    for (const registration of [1, 2])
      await assert.rejects(world.runner("seoul-1", [], { bootId: runner.bootId, registration }), { code: "conflict" });
    await runner.report(ref, { outputs: { made: "x" } });
    assert.equal((await world.client.task(id)).state, "succeeded");
  });

  test("worker hangs on cancel: the report says so, and an operator is told", async (t) => {
    const world = await ProtocolWorld.open(t);
    const { task, runner, ref } = await world.running("strict");
    await world.client.cancel(task, { principal: "dev" });
    await runner.report(ref, { outcome: "canceled", failure: { code: "kill-failed", message: "still there" } });
    assert.deepEqual(world.alarms, ["kill-failed"]);
    assert.equal((await world.job(task)).failure?.code, "kill-failed");
  });
});
