// A fence counts only for whom it was given to, and nobody can use up the numbers.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crc32 } from "node:zlib";
import { AttackBench, needs, registration, SETUPS } from "./attack.fixture.ts";

const MANY = 1_000;

for (const setup of SETUPS)
  describe(`made-up fences, ${setup}`, needs(setup), () => {
    test("a fence that was not given raises no counter, and floods neither journal nor alarms", async (t) => {
      const bench = await AttackBench.open(t, setup);
      const { runner, job } = await bench.victim();
      await bench.turnToAttack();
      const { session } = await bench.attacker("busan-1");
      await bench.call("session", registration({ runner: "busan-2" }));
      const month = 30 * 24 * 3_600_000_000;
      const refs = Array.from({ length: MANY }, (_, at) => ({ ...job.ref, fence: job.ref.fence + month + at }));
      const unknown = refs.map((ref, at) => ({ ...ref, task: `made-up-${at}`, proof: `made-up-${at}` }));
      await bench.unchanged(async () => {
        for (const made of [refs, unknown]) {
          const items = made.map((ref) => ({ ref }));
          assert.equal((await bench.call("heartbeat", { session, items })).status, 200);
        }
        for (const ref of [...refs.slice(0, 20), ...unknown.slice(0, 20)]) {
          const report = { session, ref, outcome: "succeeded", outputs: {}, progress: 0 };
          assert.deepEqual((await bench.call("report", report)).code, "lease-lost");
          assert.equal((await bench.log(session, ref, "make", Buffer.from("x"), crc32("x"))).code, "lease-lost");
        }
      });
      const running = unknown.map((ref) => ({ ref, started: true }));
      assert.equal((await bench.call("session", registration({ runner: "busan-3", running }))).status, 200);
      assert.ok(bench.alarms.length <= 2, `${bench.alarms.length} alarms`);
      // The numbers go on from the clock.
      await bench.request("busan");
      const [offer] = (await (await bench.attacker("busan-1")).pollAll(1, 10_000)).offers;
      assert.ok(offer && offer.ref.fence < job.ref.fence + 3_600_000_000);
      if (setup !== "one agent after a restart") await runner.report(job.ref);
    });

    test("the proof of a fence counts for no other runner, job, attempt or number", async (t) => {
      const bench = await AttackBench.open(t, setup);
      const { job } = await bench.victim();
      await bench.turnToAttack();
      await bench.request("busan");
      const attacker = await bench.attacker("busan-1");
      const [offer] = (await attacker.pollAll(1, 10_000)).offers;
      assert.ok(offer?.ref.proof);
      const { ref } = offer;
      await bench.call("session", registration({ runner: "busan-2" }));
      await bench.unchanged(async () => {
        for (const forged of [
          { ...ref, fence: ref.fence + 1 },
          { ...ref, attempt: 2 },
          { ...ref, job: "other" },
          { ...ref, task: job.ref.task, fence: ref.fence + 1 },
          { ...job.ref, fence: job.ref.fence + 1 },
          { ...job.ref, proof: ref.proof },
        ]) {
          const report = { session: attacker.session, ref: forged, outcome: "succeeded", outputs: {}, progress: 0 };
          assert.deepEqual((await bench.call("report", report)).code, "lease-lost");
        }
      });
    });
  });

test("a runner of version 1, which refuses unknown fields, is offered jobs without a proof", async (t) => {
  const bench = await AttackBench.open(t, "one agent");
  const { session } = (await bench.call("session", registration())).body;
  await bench.request("busan");
  const { body } = await bench.call("poll", { session, freeSlots: 1, waitMs: 5_000 });
  const [offer] = body.offers as readonly { readonly offer: string; readonly ref: object }[];
  assert.deepEqual(Object.keys(offer?.ref ?? {}), ["task", "job", "attempt", "fence"]);
  assert.equal((await bench.call("claim", { session, ...offer })).status, 200);
});
