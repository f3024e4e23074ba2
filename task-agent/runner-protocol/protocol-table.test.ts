// One test for each row of the protocol's table of failures. Runners are scripted, HTTP and the store are real, and the test
// moves the clock. The runner's half is tested in task-runner, both halves together in lab/soak and lab/simulator.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ProtocolFixture } from "./protocol.fixture.ts";
import { cancelRows } from "./protocol-cancel.suite.ts";
import { replacementRows } from "./protocol-replacement.suite.ts";

const LEASE_LOST = { code: "lease-lost" };
/** A moment after leases end. */
const [STRICT_MS, LENIENT_MS] = [121_000, 1_801_000];

describe("runners that crash", () => {
  test("runner crash before start: the job is always queued again, and the attempt is not counted", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const { task, ref, runner } = await fixture.running("unsafe", { started: false });
    await fixture.clock.pass(LENIENT_MS);
    await fixture.waitForEvent(task, "AttemptLost");
    const other = await fixture.runner("seoul-2");
    const second = await other.takeJob();
    assert.deepEqual([second.ref.attempt, second.ref.fence > ref.fence], [2, true]);
    await other.start(second.ref);
    await assert.rejects(runner.start(ref), LEASE_LOST);
  });

  test("runner crash after start: a new process that lists nothing loses the lease at once; a job that is not retrySafe is held", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const safe = await fixture.running("safe");
    await fixture.runner();
    assert.equal((await fixture.job(safe.task)).attempts[0]?.outcome, "lost");
    const again = await (await fixture.runner()).takeJob();
    assert.equal(again.ref.attempt, 2);

    const unsafe = await fixture.running("unsafe", { name: "seoul-9" });
    await fixture.runner("seoul-9");
    const held = await fixture.job(unsafe.task);
    assert.equal(held.state, "held");
    assert.match(held.waiting?.text ?? "", /not marked `retrySafe`\. May it run again\?/);
    for (const answer of ["run-again", "mark-done"] as const) {
      if (answer === "mark-done") {
        const third = await (await fixture.runner("seoul-9")).takeJob();
        const runner = await fixture.runner("seoul-9", [{ ref: third.ref, started: false }]);
        await runner.start(third.ref);
        await fixture.runner("seoul-9");
      }
      await fixture.client.resolve(unsafe.task, { principal: "ops", job: "work", answer });
    }
    assert.equal((await fixture.client.task(unsafe.task)).state, "succeeded");
  });

  test("A16: runner crash after start: without a new process the lease is revoked when it ends, and the job is retried twice at most", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const { task } = await fixture.running("strict");
    for (const attempt of [2, 3]) {
      await fixture.clock.pass(STRICT_MS);
      await fixture.waitForEvent(task, "AttemptLost", attempt - 1);
      const runner = await fixture.runner(`seoul-${attempt}`);
      const job = await runner.takeJob();
      assert.equal(job.ref.attempt, attempt);
      await runner.start(job.ref);
    }
    await fixture.clock.pass(STRICT_MS);
    await fixture.waitForEvent(task, "JobHeld");
    assert.match((await fixture.job(task)).waiting?.text ?? "", /lost 3 times/);
  });
});

describe("partitions", () => {
  test("partition longer than the lease, strict: silent, then revoked; the late report is stored and changes nothing", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const { task, runner, ref } = await fixture.running("strict");
    await fixture.log(runner, ref, 0, "one\n");
    await fixture.clock.pass(91_000);
    const silent = await fixture.job(task);
    assert.deepEqual([silent.state, typeof silent.notHeardSince], ["running", "string"]);
    await fixture.clock.pass(28_000);
    assert.equal((await fixture.job(task)).state, "running", "not a moment earlier");
    await fixture.clock.pass(2_000);
    await fixture.waitForEvent(task, "AttemptLost");

    const other = await fixture.runner("seoul-2");
    const second = await other.takeJob();
    await other.start(second.ref);
    await assert.rejects(runner.report(ref, { outputs: { made: "late" } }), LEASE_LOST);
    assert.equal(await fixture.log(runner, ref, 4, "two\n", true), 8, "its log is still taken");
    const log = await fixture.client.log({ task, job: "work", step: "make", attempt: 1 }, 0, 100);
    assert.equal(log.bytes.toString(), "one\ntwo\n");
    await other.report(second.ref, { outcome: "failed", failure: { code: "x", message: "no" } });
    const [first, last] = (await fixture.job(task)).attempts;
    assert.deepEqual(
      [first?.outcome, first?.late?.outcome, first?.late?.outputs],
      ["lost", "succeeded", { made: "late" }],
    );
    assert.deepEqual([last?.outcome, (await fixture.client.task(task)).state], ["failed", "failed"]);
  });

  test("partition longer than renewWithinMs, lenient: silent, not revoked; the job continues under the same fence", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const { task, runner, ref } = await fixture.running("safe");
    await fixture.clock.pass(1_790_000);
    assert.equal(typeof (await fixture.job(task)).notHeardSince, "string");
    assert.equal((await runner.heartbeat(ref)).state, "ok");
    assert.equal((await fixture.job(task)).notHeardSince, undefined);
    await fixture.clock.pass(1_790_000);
    await runner.report(ref, { outputs: { made: "x" } });
    assert.equal((await fixture.client.task(task)).state, "succeeded");
    assert.equal((await fixture.job(task)).attempts.length, 1);
  });
});

describe("effects that were interrupted", () => {
  const push = { step: "make", effect: "push", ordinal: 0, what: "push the change" };

  test("an effect does not stay begun in a task that succeeded: the next attempt found nothing left to change", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const { task, runner, ref } = await fixture.running("safe");
    await runner.progress(ref, 1, [{ kind: "step-started", step: "make" }]);
    assert.equal((await runner.effectBegin(ref, push)).answer, "go");
    const next = await fixture.runner();
    const again = await next.takeJob();
    await next.start(again.ref);
    const [open] = (await fixture.job(task)).effects;
    assert.equal(open?.state, "begun");
    await next.progress(again.ref, 1, [
      { kind: "step-started", step: "make" },
      { kind: "step-ended", step: "make", outcome: "succeeded", durationMs: 5 },
    ]);
    assert.equal((await fixture.job(task)).effects[0]?.state, "begun", "a third attempt would have to probe");
    await next.report(again.ref, { outputs: { made: "x" }, progress: 2 });
    assert.equal((await fixture.client.task(task)).state, "succeeded");
    assert.deepEqual((await fixture.job(task)).effects, [{ ...open, state: "done", result: {} }]);
  });

  test("an effect does not stay begun when a person marks the job as done; it does when the answer is another", async (t) => {
    for (const [answer, state] of [
      ["mark-done", "done"],
      ["fail", "begun"],
      ["run-again", "begun"],
    ] as const) {
      const fixture = await ProtocolFixture.open(t);
      const { task, runner, ref } = await fixture.running("unsafe");
      await runner.effectBegin(ref, push);
      await fixture.runner();
      assert.equal((await fixture.job(task)).state, "held");
      await fixture.client.resolve(task, { principal: "ops", job: "work", answer });
      const [effect] = (await fixture.job(task)).effects;
      assert.equal(effect?.state, state, answer);
    }
  });

  test("an effect of a step that was skipped the next time, or failed, stays begun: its end is unknown", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    for (const outcome of ["skipped", "failed"] as const) {
      const { task, runner, ref } = await fixture.running("safe", { name: `seoul-${outcome}` });
      await runner.effectBegin(ref, push);
      await runner.progress(ref, 1, [{ kind: "step-ended", step: "make", outcome, durationMs: 5 }]);
      await runner.report(ref, { outcome: outcome === "skipped" ? "succeeded" : outcome, progress: 1 });
      assert.equal((await fixture.job(task)).effects[0]?.state, "begun");
    }
  });
});

describe("progress that is reported late", () => {
  test("A3: steps replayed after an outage have the times when they happened, and never go back", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const { task, runner, ref } = await fixture.running("safe");
    const startedMs = fixture.clock.nowMs();
    await fixture.clock.pass(60_000);
    await runner.progress(ref, 1, [
      { kind: "step-started", step: "make", agoMs: 50_000 },
      { kind: "step-waiting", step: "make", reason: "x", retryAfterMs: 1, agoMs: 3_600_000 },
      { kind: "step-ended", step: "make", outcome: "succeeded", durationMs: 30_000, agoMs: 20_000 },
    ]);
    const [step] = (await fixture.job(task)).steps;
    const at = (ms: number): string => new Date(startedMs + ms).toISOString();
    assert.deepEqual([step?.startedAt, step?.endedAt], [at(10_000), at(40_000)]);
    const times = (await fixture.client.taskEvents(task, 0, 1_000)).map(({ data }) => data.event.at);
    assert.deepEqual(times, times.toSorted(), "also an age that cannot be right");
  });
});

describe("agents that crash", () => {
  test("agent crash before an offer was sent: the job is offered again", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const { id } = await fixture.request("unsafe");
    await fixture.restart();
    const job = await (await fixture.runner()).takeJob();
    assert.deepEqual([job.ref.task, job.ref.attempt], [id, 1]);
  });

  test("agent crash after an offer, or its reply lost: every poll repeats the offer, also after a restart; when it expires no attempt is counted", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const { id } = await fixture.request("unsafe");
    const runner = await fixture.runner();
    const [offer] = await runner.poll(1);
    assert.deepEqual(await runner.poll(1), [offer]);
    await fixture.restart();
    const back = await fixture.runner();
    const [again] = await back.poll(1);
    assert.ok(offer && again && again.ref.fence > offer.ref.fence);
    await fixture.clock.pass(16_000);
    const job = await (await fixture.runner("seoul-2")).takeJob();
    assert.deepEqual([job.ref.task, job.ref.attempt], [id, 1]);
    await assert.rejects(back.claim(again), { code: "offer-gone" });
  });

  test("agent crash after a claim, or its reply lost: a repeated claim has the same reply; a job that the runner does not list is queued again, uncounted", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const { id } = await fixture.request("unsafe");
    const runner = await fixture.runner();
    const [offer] = await runner.poll(1);
    assert.ok(offer);
    assert.deepEqual(await runner.claim(offer), await runner.claim(offer));
    assert.equal((await fixture.kinds(id)).filter((kind) => kind === "JobClaimed").length, 1);
    await fixture.restart();
    // The process does not know of its claim, because the reply was lost.
    const back = await fixture.runner("seoul-1", [], { bootId: runner.bootId });
    const job = await back.takeJob();
    assert.deepEqual([job.ref.attempt, (await fixture.job(id)).state], [2, "running"]);
    await back.start(job.ref);
    await back.report(job.ref);
    assert.equal((await fixture.client.task(id)).state, "succeeded");
  });

  test("agents down for 20 minutes: every lease gets its full time once more, and nothing runs twice", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const lenient = await fixture.running("safe");
    const strict = await fixture.running("strict", { name: "seoul-2" });
    await fixture.restart(1_200_000);
    await fixture.clock.pass(119_000);
    for (const { task } of [lenient, strict]) assert.equal((await fixture.job(task)).state, "running");
    const back = await fixture.runner("seoul-1", [{ ref: lenient.ref, started: true }], { bootId: lenient.boot });
    assert.deepEqual(back.directives, [{ ref: lenient.ref, do: "continue" }]);
    await fixture.clock.pass(2_000);
    await fixture.waitForEvent(strict.task, "AttemptLost");
    await back.report(lenient.ref, { outputs: { made: "x" } });
    assert.equal((await fixture.job(lenient.task)).attempts.length, 1);
  });

  test("agents that keep crashing: a dead runner's lease gets its full time only once, a live runner keeps its lease", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const dead = await fixture.running("safe");
    const alive = await fixture.running("safe", { name: "seoul-2" });
    await fixture.clock.pass(11_000);
    for (let minutes = 0; minutes < 33; minutes += 3) {
      await fixture.restart();
      const back = await fixture.runner("seoul-2", [{ ref: alive.ref, started: true }], { bootId: alive.boot });
      assert.equal(back.directives[0]?.do, "continue");
      await fixture.clock.pass(180_000);
    }
    await fixture.waitForEvent(dead.task, "AttemptLost");
    assert.equal((await fixture.job(alive.task)).attempts.length, 1);
  });
});

describe("reports", () => {
  test("duplicate report: an equal report is accepted again, a different one is refused with an alarm, and the first counts", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const { task, runner, ref } = await fixture.running("safe");
    await runner.report(ref, { outputs: { made: "x", more: "y" } });
    await runner.report(ref, { outputs: { more: "y", made: "x" } });
    await assert.rejects(runner.report(ref, { outputs: { made: "other", more: "y" } }), { code: "report-differs" });
    await assert.rejects(runner.report(ref, { outcome: "errored" }), { code: "report-differs" });
    assert.deepEqual(fixture.alarms, ["report-differs", "report-differs"]);
    assert.equal((await fixture.client.task(task)).state, "succeeded");
    await fixture.restart();
    const back = await fixture.runner("seoul-1", [], { bootId: runner.bootId });
    await back.report(ref, { outputs: { made: "x", more: "y" } });
  });

  test("A15: late report after the lease was revoked: refused, and stored once, also when the task has ended", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const { task, runner, ref } = await fixture.running("strict");
    await fixture.clock.pass(STRICT_MS);
    await fixture.waitForEvent(task, "AttemptLost");
    const other = await fixture.runner("seoul-2");
    const second = await other.takeJob();
    await other.start(second.ref);
    await other.report(second.ref);
    const failed = { outcome: "failed" as const, failure: { code: "x", message: "no" } };
    await assert.rejects(runner.report(ref, failed), LEASE_LOST);
    await assert.rejects(runner.report(ref, { outputs: { made: "y" } }), LEASE_LOST);
    const ended = await fixture.client.task(task);
    assert.deepEqual([ended.state, ended.jobs[0]?.attempts[0]?.late?.outcome], ["succeeded", "failed"]);
    assert.equal((await fixture.kinds(task)).filter((kind) => kind === "ReportCameLate").length, 1);
  });

  test("late report of a lenient job whose lease was not revoked: accepted", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const { task, runner, ref } = await fixture.running("safe");
    await fixture.clock.pass(1_000_000);
    await runner.report(ref);
    assert.equal((await fixture.client.task(task)).state, "succeeded");
  });

  test("report for a job that the store does not know because it was restored from a backup: refused, with an alarm, and the fence counter is raised", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const { id } = await fixture.request("safe");
    const restore = await fixture.backup();
    const runner = await fixture.runner();
    const job = await runner.takeJob();
    await runner.start(job.ref);
    const unknown = await fixture.running("safe", { name: "seoul-2" });
    await restore();

    // The worst case: the clock that fences are made from was set back as well.
    fixture.clock.jumpWall(-3_600_000);
    const back = await fixture.runner("seoul-1", [{ ref: job.ref, started: true }], { bootId: runner.bootId });
    assert.deepEqual(back.directives, [{ ref: job.ref, do: "drop" }]);
    const other = await fixture.runner("seoul-2");
    await assert.rejects(other.report(unknown.ref), LEASE_LOST);
    await assert.rejects(other.report({ ...unknown.ref, fence: Number.MAX_SAFE_INTEGER }), LEASE_LOST);
    assert.deepEqual(fixture.alarms, ["store-rolled-back", "store-rolled-back", "fence-unproven"]);
    assert.deepEqual((await fixture.job(id)).attempts, []);
    await fixture.restart();
    const again = await (await fixture.runner("seoul-3")).takeJob();
    assert.ok(again.ref.fence > unknown.ref.fence, "no fence is given twice");
    assert.ok(again.ref.fence < Number.MAX_SAFE_INTEGER / 2, "an impossible fence does not use up the numbers");
    assert.equal(again.ref.task, id);
  });

  test("a runner of an older version after a restore: it sends no proof of its fence, is refused, and the counter stays", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const restore = await fixture.backup();
    const { ref, boot } = await fixture.running("safe");
    const { proof, ...older } = ref;
    assert.ok(proof);
    await restore();
    const back = await fixture.runner("seoul-1", [{ ref: older, started: true }], { bootId: boot });
    assert.deepEqual(back.directives, [{ ref: older, do: "drop" }]);
    assert.equal((await back.heartbeat(older)).state, "lost");
    await assert.rejects(back.report(older), LEASE_LOST);
    await assert.rejects(back.effectBegin(older, { step: "make", effect: "push", ordinal: 0, what: "x" }), LEASE_LOST);
    assert.deepEqual(fixture.alarms, ["fence-unproven"]);
    const { task, ref: next } = await fixture.running("safe", { name: "seoul-2" });
    assert.ok(next.fence > ref.fence, "by the clock");
    assert.equal((await fixture.client.task(task)).state, "running");
  });

  test("clock skew: setting the wall clock revokes no lease and delays no retry", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const { task, runner, ref } = await fixture.running("retried");
    fixture.clock.jumpWall(7_200_000);
    await fixture.clock.pass(2_000);
    assert.equal((await runner.heartbeat(ref)).state, "ok");
    fixture.clock.jumpWall(-14_400_000);
    await runner.report(ref, { outcome: "errored", failure: { code: "x", message: "no" } });
    await fixture.clock.pass(20_000);
    const open = runner.pollAll(1, 25_000);
    await fixture.clock.pass(9_000);
    assert.deepEqual((await fixture.kinds(task)).at(-1), "JobReady", "the delay has not passed");
    await fixture.clock.pass(2_000);
    const [offer] = (await open).offers;
    assert.equal(offer?.ref.attempt, 2);
  });
});

cancelRows();
replacementRows();
