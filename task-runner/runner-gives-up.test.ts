// When a runner must end by itself, because its token is refused or a job cannot be ended, and when it must take no work.

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { systemClock } from "@gantry/runtime/clock.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { watchRefusals } from "./agent-link/refusals.ts";
import { script } from "./fake-agent.fixture.ts";
import { machinePrograms } from "./processes/process-group.ts";
import { openTestRunner } from "./runner.fixture.ts";

test("a token counts as refused after ten seconds of refusals; an answer in between starts the time again, silence does not", async () => {
  const clock = new SteppedClock();
  let refused = 0;
  const refusals = watchRefusals(clock, () => {
    refused += 1;
  });
  const call = async (code: "unauthenticated" | "unavailable" | "lease-lost" | undefined, afterMs: number) => {
    await clock.pass(afterMs);
    const answer = code ? Promise.reject(new GantryError(code)) : Promise.resolve();
    await refusals.watch(answer).catch(() => {});
  };
  await call("unauthenticated", 0);
  await call(undefined, 9_000);
  await call("unauthenticated", 2_000);
  await call("lease-lost", 9_000);
  await call("unauthenticated", 2_000);
  assert.equal(refused, 0);
  await call("unavailable", 9_000);
  await call("unauthenticated", 1_000);
  assert.equal(refused, 1);
});

test("a runner whose token is revoked stops its work and ends", async (t) => {
  // Ten times faster: the ten seconds of refusals take one.
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() * 10 };
  const { agent, runner } = await openTestRunner(t, { clock });
  agent.lease = { renewEveryMs: 100, selfFenceMs: 60_000, reassignAfterMs: 120_000 };
  const job = agent.offer({ steps: [script("work", "echo on; sleep 300")] });
  await agent.until("the script to run", () => agent.log(job, "work") === "on\n");
  agent.isRefusing = true;
  await assert.rejects(runner.ended, { code: "runner-refused" });
  assert.equal(runner.busy(), 0);
  assert.equal(job.report, undefined);
});

test("when programs survive SIGKILL, the report says so, and the runner finishes its other work, takes no more, and ends", async (t) => {
  const programs = {
    ...machinePrograms,
    endGroup: async (...args: Parameters<typeof machinePrograms.endGroup>) => {
      await machinePrograms.endGroup(...args);
      return false;
    },
  };
  const { agent, runner } = await openTestRunner(t, { programs });
  const job = agent.offer({ steps: [script("work", "echo on; sleep 300")] });
  await agent.until("the script to run", () => agent.log(job, "work") === "on\n");
  agent.cancel(job);
  const report = await agent.reported(job);
  assert.deepEqual([report.outcome, report.failure?.code], ["canceled", "kill-failed"]);
  await assert.rejects(runner.ended, { code: "kill-failed" });
  const next = agent.offer({ steps: [script("work", "true")] }, { job: "next" });
  assert.equal(next.state, "offered");
});

test("a runner that cannot write takes no work for a while, so that other runners get it", async (t) => {
  let endCooldown: (() => void) | undefined;
  const after: typeof systemClock.after = (ms, run) => {
    if (ms !== 5_000) return systemClock.after(ms, run);
    endCooldown = run;
    return () => {};
  };
  const { agent, data, lines } = await openTestRunner(t, { clock: { ...systemClock, after } });
  rmSync(join(data, "jobs"), { recursive: true });
  writeFileSync(join(data, "jobs"), "where its folder should be");
  const steps = [script("work", "true")];
  const first = agent.offer({ steps });
  assert.equal((await agent.reported(first)).outcome, "errored");
  await agent.until("the cooldown to begin", () => lines.some((line) => line.includes("takes no work for a while")));
  agent.ignoresSlots = true;
  const second = agent.offer({ steps }, { job: "second" });
  await agent.until("the second offer to be declined", () => second.state === "declined");
  rmSync(join(data, "jobs"));
  endCooldown?.();
  const third = agent.offer({ steps }, { job: "third" });
  assert.equal((await agent.reported(third)).outcome, "succeeded");
});
