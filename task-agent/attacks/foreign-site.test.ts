// A token of one site is worth that site alone: with busan's token nothing of seoul can be taken, read or changed.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crc32 } from "node:zlib";
import { AttackBench, needs, registration, SETUPS } from "./attack.fixture.ts";

for (const setup of SETUPS)
  describe(`a stolen token of another site, ${setup}`, needs(setup), () => {
    test("a runner name belongs to the site that registered it first", async (t) => {
      const bench = await AttackBench.open(t, setup);
      const { runner, job } = await bench.victim();
      await bench.turnToAttack();
      await bench.unchanged(async () => {
        for (const running of [[], [{ ref: job.ref, started: true }]]) {
          const { status, code } = await bench.call("session", registration({ runner: "seoul-1", running }));
          assert.deepEqual([status, code], [409, "runner-name-taken"]);
          const own = registration({ runner: "seoul-1", site: "seoul", running, bootId: runner.bootId });
          assert.equal((await bench.call("session", own)).status, 403);
        }
      });
      assert.equal((await bench.client.task(job.ref.task)).state, "running");
      const back = await bench.signIn("seoul", "seoul-1", [{ ref: job.ref, started: true }], {
        bootId: runner.bootId,
        registration: 2,
      });
      assert.deepEqual(back.directives[0]?.do, "continue");
      await back.report(job.ref);
      assert.equal((await bench.client.task(job.ref.task)).state, "succeeded");
    });

    test("a name with characters that the store replaces is refused, so that it cannot stand for another one", async (t) => {
      const bench = await AttackBench.open(t, setup);
      await bench.signIn("seoul", "seoul-1");
      await bench.turnToAttack();
      await bench.unchanged(async () => {
        for (const runner of ["seoul_1", "seoul 1", "Seoul-1", "../seoul-1", "seoul/1"]) {
          const { status, code } = await bench.call("session", registration({ runner }));
          assert.deepEqual([status, code], [400, "bad-request"], runner);
        }
      });
    });

    test("no call about an attempt of another site is taken", async (t) => {
      const bench = await AttackBench.open(t, setup);
      const { runner, job } = await bench.victim();
      await bench.turnToAttack();
      const { session } = await bench.attacker("busan-1");
      const calls = (as: string): readonly (readonly [string, object])[] => {
        const about = { session: as, ref: job.ref };
        return [
          ["claim", { ...about, offer: "made-up" }],
          ["start", about],
          ["progress", { ...about, from: 1, events: [{ kind: "step-started", step: "make" }] }],
          ["effect/begin", { ...about, step: "make", effect: "push", ordinal: 0, what: "an image" }],
          ["effect/end", { ...about, key: "made-up", result: {} }],
          ["report", { ...about, outcome: "succeeded", outputs: {}, progress: 0 }],
        ];
      };
      await bench.unchanged(async () => {
        for (const [path, body] of [...calls(session), ...calls(runner.session)]) {
          const { status } = await bench.call(path, body);
          assert.ok([403, 404, 409, 410].includes(status), `${path}: ${status}`);
        }
        const bytes = Buffer.from("forged\n");
        const { status } = await bench.log(session, job.ref, "make", bytes, crc32(bytes));
        assert.equal(status, 409);
        for (const [path, more] of Object.entries({
          poll: { freeSlots: 1, waitMs: 0 },
          heartbeat: { items: [{ ref: job.ref }] },
          decline: { offer: "made-up", ref: job.ref, reason: "no" },
        }))
          assert.equal((await bench.call(path, { session: runner.session, ...more })).status, 410);
        assert.equal((await bench.call("heartbeat", { session, items: [{ ref: job.ref }] })).status, 200);
      });
      assert.equal((await bench.client.task(job.ref.task)).state, "running");
    });

    test("an offer of one's own claims no job of another task", async (t) => {
      const bench = await AttackBench.open(t, setup);
      const foreign = await bench.requestThatWaits("seoul");
      await bench.turnToAttack();
      await bench.request("busan");
      const attacker = await bench.attacker("busan-1");
      const [offer] = (await attacker.pollAll(1, 10_000)).offers;
      assert.ok(offer);
      await bench.unchanged(async () => {
        const about = { session: attacker.session, offer: offer.offer };
        for (const ref of [
          { ...offer.ref, task: foreign },
          { ...offer.ref, fence: offer.ref.fence + 1 },
          { ...offer.ref, attempt: 2 },
        ])
          assert.deepEqual((await bench.call("claim", { ...about, ref })).code, "offer-gone");
      });
      assert.equal(
        (await bench.call("claim", { session: attacker.session, offer: offer.offer, ref: offer.ref })).status,
        200,
      );
    });
  });
