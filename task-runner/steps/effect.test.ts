import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@gantry/core/json.ts";
import { createMasker } from "@gantry/core/mask/masker.ts";
import { succeeded } from "@gantry/core/step/outcome.ts";
import { type AnyStep, defineStep, NO_RETRY } from "@gantry/core/step/step.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { z } from "zod";
import { uses } from "../fake-agent.fixture.ts";
import { openTestRunner } from "../runner.fixture.ts";
import type { Permits } from "../workers/job-executor.ts";
import { createEffect } from "./effect.ts";

/** An outside system that holds one thing, and a step that puts it there. */
class OutsideSystem {
  readonly calls: string[] = [];
  thing: JsonObject | undefined;
  crash: "none" | "before" | "after" = "none";

  readonly step = defineStep({
    name: "test/put",
    title: "Put",
    input: z.strictObject({}),
    output: z.object({ url: z.string() }),
    needs: [],
    acts: () => [],
    effects: ["put"],
    retry: NO_RETRY,
    timeoutMs: 30_000,
    plan: async () => [],
    run: async ({ effect }) => {
      const result = await effect({
        name: "put",
        what: "put the thing",
        probe: async () => {
          this.calls.push("probe");
          return this.thing as { url: string } | undefined;
        },
        perform: async (key) => {
          this.calls.push("perform");
          if (this.crash === "before") throw new Error("power cut");
          this.thing = { url: `https://outside.example/${key}` };
          if (this.crash === "after") throw new Error("power cut");
          return this.thing as { url: string };
        },
      });
      return succeeded(result);
    },
  }) as AnyStep;
}

for (const crash of ["before", "after"] as const) {
  test(`a change whose attempt crashed ${crash} it was made exists once after the next attempt`, async (t) => {
    const outside = new OutsideSystem();
    const { agent } = await openTestRunner(t, { steps: [outside.step] });
    outside.crash = crash;
    const first = agent.offer({ steps: [uses("put", "test/put")] });
    const report = await agent.reported(first);
    assert.equal(report.outcome, "errored");
    assert.equal(report.failure?.code, "internal");

    outside.crash = "none";
    const second = agent.offer({ steps: [uses("put", "test/put")] }, { attempt: 2 });
    assert.equal((await agent.reported(second)).outcome, "succeeded");
    const expected = crash === "before" ? ["perform", "probe", "perform"] : ["perform", "probe"];
    assert.deepEqual(outside.calls, expected);

    const third = agent.offer({ steps: [uses("put", "test/put")] }, { attempt: 3 });
    assert.equal((await agent.reported(third)).outcome, "succeeded");
    assert.deepEqual(outside.calls, expected, "a recorded change is answered from the record");
    assert.deepEqual(third.progress.at(-1), { ...third.progress.at(-1), outputs: outside.thing });
  });
}

test("a change whose result could not be reported is reported by the next attempt without a probe", async (t) => {
  const outside = new OutsideSystem();
  const { agent } = await openTestRunner(t, { steps: [outside.step] });
  agent.fault = (path) => (path === "effect/end" ? "drop" : "none");
  const first = agent.offer({ steps: [uses("put", "test/put")] });
  await agent.until("the change", () => outside.thing !== undefined);
  agent.lose(first);
  await agent.until("the heartbeat that says so", () => agent.calls.filter((call) => call === "heartbeat").length > 0);
  agent.fault = () => "none";
  const second = agent.offer({ steps: [uses("put", "test/put")] }, { attempt: 2 });
  assert.equal((await agent.reported(second)).outcome, "succeeded");
  assert.deepEqual(outside.calls, ["perform"]);
});

test("a change waits for its permit while the task-agent is unreachable", async (t) => {
  const outside = new OutsideSystem();
  const { agent } = await openTestRunner(t, { steps: [outside.step] });
  let refused = 0;
  agent.fault = (path) => {
    if (path !== "effect/begin" || refused >= 3) return "none";
    refused += 1;
    assert.deepEqual(outside.calls, []);
    return "drop";
  };
  const job = agent.offer({ steps: [uses("put", "test/put")] });
  assert.equal((await agent.reported(job)).outcome, "succeeded");
  assert.equal(refused, 3);
});

test("a permit that has expired when the change would begin is requested again, and a possible change is probed", async () => {
  const clock = new SteppedClock();
  const calls: string[] = [];
  const permits: Permits = {
    begin: async () => {
      calls.push("permit");
      const leftMs = calls.length === 1 ? 60_000 : 30_000;
      const until = { monotonicMs: clock.monotonicMs() + leftMs, wallMs: clock.nowMs() + leftMs };
      // The process is suspended while the answer is queued: its timers fire later.
      if (calls.length === 1) clock.jumpWall(60_000);
      return { answer: calls.length === 1 ? "go" : "verify", key: "k", until };
    },
    end: async () => void calls.push("end"),
  };
  const step = { id: "put", uses: "test/put", effects: ["put"] };
  const signal = new AbortController().signal;
  const effect = createEffect({ step, permits, masker: createMasker(), clock, signal });
  const result = await effect({
    name: "put",
    what: "put the thing",
    probe: async () => void calls.push("probe"),
    perform: async () => ({ made: calls.push("perform") }),
  });
  assert.deepEqual(calls, ["permit", "permit", "probe", "perform", "end"]);
  assert.deepEqual(result, { made: 4 });
});
