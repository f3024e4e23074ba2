// When a runner must end by itself, because nobody takes its token or a job of it cannot be ended, and when it must rest.

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { systemClock } from "@gantry/runtime/clock.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import type { RunnerClient } from "@gantry/wire/runner/runner-client.ts";
import { watchRefusals } from "./agent-link/refusals.ts";
import { script } from "./fake-agent.fixture.ts";
import { machinePrograms } from "./processes/process-group.ts";
import { openBench } from "./runner.fixture.ts";

test("a token that is refused for ten seconds is refused for good; one answer in between, or silence, is not", async () => {
  const clock = new SteppedClock();
  let answer: () => Promise<void> = async () => {};
  let refused = 0;
  const call = (): Promise<never> => answer() as Promise<never>;
  const names = ["session", "poll", "claim", "decline", "start", "heartbeat", "progress", "effectBegin", "effectEnd"];
  const all = Object.fromEntries([...names, "report", "log"].map((name) => [name, call]));
  const client = watchRefusals(all as unknown as RunnerClient, clock, () => {
    refused += 1;
  });
  const beat = async (code: "unauthenticated" | "unavailable" | "lease-lost" | undefined, afterMs: number) => {
    await clock.pass(afterMs);
    answer = async () => {
      if (code) throw new GantryError(code);
    };
    await client.heartbeat({ session: "s", items: [] }).catch(() => {});
  };
  await beat("unauthenticated", 0);
  await beat(undefined, 9_000);
  await beat("unauthenticated", 2_000);
  await beat("lease-lost", 9_000);
  await beat("unauthenticated", 2_000);
  assert.equal(refused, 0);
  await beat("unavailable", 9_000);
  await beat("unauthenticated", 1_000);
  assert.equal(refused, 1);
});

test("a runner that was taken out of service stops its work and ends", async (t) => {
  // Its ten seconds are one.
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() * 10 };
  const { agent, runner } = await openBench(t, { clock });
  agent.lease = { renewEveryMs: 100, selfFenceMs: 60_000, reassignAfterMs: 120_000 };
  const job = agent.offer({ steps: [script("work", "echo on; sleep 300")] });
  await agent.until("the script to run", () => agent.log(job, "work") === "on\n");
  agent.isRefusing = true;
  await assert.rejects(runner.ended, { code: "runner-refused" });
  assert.equal(runner.busy(), 0);
  assert.equal(job.report, undefined);
});

test("programs that survive SIGKILL: the report says so, and the runner finishes its other work, takes no more and ends", async (t) => {
  const programs = {
    ...machinePrograms,
    endGroup: async (...args: Parameters<typeof machinePrograms.endGroup>) => {
      await machinePrograms.endGroup(...args);
      return false;
    },
  };
  const { agent, runner } = await openBench(t, { programs });
  const job = agent.offer({ steps: [script("work", "echo on; sleep 300")] });
  await agent.until("the script to run", () => agent.log(job, "work") === "on\n");
  agent.cancel(job);
  const report = await agent.reported(job);
  assert.deepEqual([report.outcome, report.failure?.code], ["canceled", "kill-failed"]);
  await assert.rejects(runner.ended, { code: "kill-failed" });
  const next = agent.offer({ steps: [script("work", "true")] }, { job: "next" });
  assert.equal(next.state, "offered");
});

test("a runner that cannot write takes no more work until it has rested, so that others get it", async (t) => {
  let endRest: (() => void) | undefined;
  const after: typeof systemClock.after = (ms, run) => {
    if (ms !== 5_000) return systemClock.after(ms, run);
    endRest = run;
    return () => {};
  };
  const { agent, data, lines } = await openBench(t, { clock: { ...systemClock, after } });
  rmSync(join(data, "jobs"), { recursive: true });
  writeFileSync(join(data, "jobs"), "where its folder should be");
  const steps = [script("work", "true")];
  const first = agent.offer({ steps });
  assert.equal((await agent.reported(first)).outcome, "errored");
  await agent.until("the rest to begin", () => lines.some((line) => line.includes("takes no work for a while")));
  agent.ignoresSlots = true;
  const second = agent.offer({ steps }, { job: "second" });
  await agent.until("it to be declined", () => second.state === "declined");
  rmSync(join(data, "jobs"));
  endRest?.();
  const third = agent.offer({ steps }, { job: "third" });
  assert.equal((await agent.reported(third)).outcome, "succeeded");
});
