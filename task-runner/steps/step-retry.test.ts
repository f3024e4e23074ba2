// `retry` of a step, as its runner executes it.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@gantry/core/json.ts";
import { failed, failureOf, type StepOutcome } from "@gantry/core/step/outcome.ts";
import { scriptFailed } from "@gantry/core/step/script-end.ts";
import { type AnyStep, defineStep, NO_RETRY } from "@gantry/core/step/step.ts";
import { type Clock, systemClock } from "@gantry/runtime/clock.ts";
import type { StepProgress } from "@gantry/wire/runner/protocol.ts";
import { z } from "zod";
import { type FakeJob, script, uses } from "../fake-agent.fixture.ts";
import { openTestRunner } from "../runner.fixture.ts";

const ANY_END = { max: 2, delayMs: 5, on: ["failed" as const, "errored" as const, "timed-out" as const] };
/** A hundred times as fast as the machine's: a step that ignores its stop is abandoned after 12 s. */
const FAST_CLOCK: Clock = {
  nowMs: systemClock.nowMs,
  monotonicMs: () => systemClock.monotonicMs() * 100,
  after: (ms, run) => systemClock.after(ms / 100, run),
};
/** Fails until it runs for the third time. */
const FLAKY = 'echo x >> tries; echo "try $(wc -l < tries)"; [ "$(wc -l < tries)" -eq 3 ] || exit 1';

test("A17: a flaky script of a step with retry passes at the third try", async (t) => {
  const { agent } = await openTestRunner(t);
  const job = agent.offer({
    steps: [script("test", `${FLAKY}; echo made=it >> $GANTRY_OUTPUT`, { retry: ANY_END })],
    outputs: { made: "${{ steps.test.outputs.made }}" },
  });
  const report = await agent.reported(job);
  assert.deepEqual([report.outcome, report.outputs], ["succeeded", { made: "it" }]);
  assert.deepEqual(kinds(job), ["started", "retrying 1", "started", "retrying 2", "started", "ended succeeded"]);
  const [retrying] = job.progress.filter((one) => one.kind === "step-retrying");
  assert.deepEqual([retrying?.failure.code, retrying?.retryAfterMs], ["script-failed", 5]);
  const log = agent.log(job, "test");
  assert.match(log, /^try 1\n\[gantry\] The script ended with exit code 1\.[^\n]*Trying again in 5ms\.\ntry 2\n/);
  assert.match(log, /\ntry 3\n$/);
});

test("A17: only the listed exit codes are tried again, and the failure is that of the last try", async (t) => {
  const { agent } = await openTestRunner(t);
  const retry = { ...ANY_END, exitCodes: [75] };
  const run = 'if [ -e busy ]; then echo "error: second"; exit 1; fi; touch busy; echo "error: first"; exit 75';
  const job = agent.offer({ steps: [script("test", run, { retry })] });
  const report = await agent.reported(job);
  assert.deepEqual([report.outcome, report.failure?.exitCode], ["failed", 1]);
  assert.equal(report.failure?.line, "error: second");
  assert.deepEqual(kinds(job), ["started", "retrying 1", "started", "ended failed"]);
});

test("every try of a step has the whole timeout of the step", async (t) => {
  const { agent } = await openTestRunner(t);
  const run = "[ -e hung ] || { touch hung; sleep 300; }";
  const job = agent.offer({ steps: [script("test", run, { retry: ANY_END, timeoutMs: 1_500 })] });
  assert.equal((await agent.reported(job)).outcome, "succeeded");
  assert.deepEqual(kinds(job), ["started", "retrying 1", "started", "ended succeeded"]);
});

test("a red gate is tried again only if `retry` includes it", async (t) => {
  let calls = 0;
  const gate = stepOf("gate", () => {
    calls += 1;
    return failed(failureOf(scriptFailed(1, "red")));
  });
  const { agent } = await openTestRunner(t, { steps: [gate] });
  const twice = agent.offer({ steps: [uses("gate", "test/gate", {}, { retry: { ...ANY_END, max: 1 } })] });
  assert.equal((await agent.reported(twice)).outcome, "failed");
  assert.equal(calls, 2);
  const once = agent.offer({ steps: [uses("gate", "test/gate", {}, { retry: { max: 1, delayMs: 5 } })] }, { job: "b" });
  assert.equal((await agent.reported(once)).outcome, "failed");
  assert.equal(calls, 3);
});

test("cancel while a step waits for its next try ends it as canceled", async (t) => {
  const { agent } = await openTestRunner(t);
  const retry = { ...ANY_END, delayMs: 3_600_000 };
  const job = agent.offer({ steps: [script("test", "exit 1", { retry })] });
  await agent.until("the step to wait", () => kinds(job).includes("retrying 1"));
  agent.cancel(job);
  assert.equal((await agent.reported(job)).outcome, "canceled");
  assert.deepEqual(kinds(job), ["started", "retrying 1", "ended canceled"]);
});

test("a step that ignored its stop is not tried again beside itself", async (t) => {
  let calls = 0;
  const deaf = stepOf("deaf", () => {
    calls += 1;
    return new Promise<never>(() => {});
  });
  const { agent } = await openTestRunner(t, { steps: [deaf], clock: FAST_CLOCK });
  agent.lease = { renewEveryMs: 10_000, selfFenceMs: 2_000_000, reassignAfterMs: 4_000_000 };
  const job = agent.offer({ steps: [uses("deaf", "test/deaf", {}, { retry: ANY_END, timeoutMs: 1_000 })] });
  assert.equal((await agent.reported(job)).outcome, "timed-out");
  assert.equal(calls, 1);
});

function kinds(job: FakeJob): string[] {
  return job.progress.map((one: StepProgress) => {
    if (one.kind === "step-retrying") return `retrying ${one.attempt}`;
    return one.kind === "step-ended" ? `ended ${one.outcome}` : one.kind.slice("step-".length);
  });
}

function stepOf(name: string, run: () => StepOutcome<JsonObject> | Promise<StepOutcome<JsonObject>>): AnyStep {
  return defineStep({
    name: `test/${name}`,
    title: name,
    input: z.object({}),
    output: z.record(z.string(), z.json()) as z.core.$ZodType<JsonObject>,
    needs: [],
    acts: () => [],
    effects: [],
    retry: NO_RETRY,
    timeoutMs: 30_000,
    plan: async () => [],
    run: async () => run(),
  }) as AnyStep;
}
