// A runner that was taken out of service is out at once, at every agent.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AttackBench, needs, SETUPS } from "./attack.fixture.ts";

for (const setup of SETUPS)
  describe(`a runner that was taken out of service, ${setup}`, needs(setup), () => {
    test("its session ends, it is offered nothing, and it may not register again", async (t) => {
      const bench = await AttackBench.open(t, setup);
      const { job } = await bench.victim("seoul-9");
      await bench.turnToAttack();
      const same = { bootId: "00000000-0000-4000-8000-000000000009" };
      const running = [{ ref: job.ref, started: true }];
      const runner = await bench.signIn("seoul", "seoul-9", running, same);
      const gone = assert.rejects(runner.pollAll(1, 20_000), { code: "session-gone" });
      await bench.remove("seoul-9");
      await gone;
      await bench.requestThatWaits("seoul");
      await bench.unchanged(async () => {
        await assert.rejects(runner.pollAll(1, 1_000), { code: "session-gone" });
        await assert.rejects(runner.report(job.ref), { code: "session-gone" });
        await assert.rejects(bench.signIn("seoul", "seoul-9", running, { ...same, registration: 2 }), {
          code: "unauthenticated",
        });
      });
    });
  });
