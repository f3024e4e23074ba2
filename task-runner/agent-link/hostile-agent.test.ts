// A task-agent that sends far too much costs its runners neither memory nor work.

import assert from "node:assert/strict";
import { test } from "node:test";
import { script } from "../fake-agent.fixture.ts";
import { openTestRunner } from "../runner.fixture.ts";

const MB = 1_048_576;

test("50,000 offers at once are refused as a whole, and the runner works on when there are fewer", async (t) => {
  const { agent, lines } = await openTestRunner(t, { config: { slots: 2 } });
  agent.ignoresSlots = true;
  // Built once: the fake itself must not take the memory.
  const flood = Array.from({ length: 50_000 }, (_, at) => ({
    offer: `o${at}`,
    ref: { task: "t1", job: "build", attempt: 1, fence: at + 1 },
    ttlMs: 15_000,
  }));
  const before = process.memoryUsage().rss;
  agent.floodsWith = flood;
  await agent.until("two polls", () => agent.calls.filter((path) => path === "poll").length >= 3);
  assert.ok(process.memoryUsage().rss - before < 200 * MB);
  assert.deepEqual(
    agent.calls.filter((path) => path === "claim" || path === "decline"),
    [],
  );
  assert.ok(lines.some((line) => line.startsWith("a call to the task-agent failed")));
  agent.floodsWith = undefined;
  const job = agent.offer({ steps: [script("one", "true")] });
  assert.equal((await agent.reported(job)).outcome, "succeeded");
});

test("of more offers than slots, so many are answered at a time", async (t) => {
  const { agent } = await openTestRunner(t, { config: { slots: 2 } });
  const busy = ["a", "b"].map((job) => agent.offer({ steps: [script("one", "sleep 60")] }, { job }));
  await agent.until("both to run", () => busy.every(({ state }) => state === "started"));
  agent.ignoresSlots = true;
  const asked = agent.calls.length;
  for (let at = 0; at < 20; at += 1) agent.offer({ steps: [] }, { job: `job-${at}` });
  await agent.until("all to be declined", () => agent.jobs.filter(({ state }) => state === "declined").length === 20);
  const runs = agent.calls
    .slice(asked)
    .join(" ")
    .split("poll")
    .map((part) => part.split("decline").length - 1);
  assert.ok(Math.max(...runs) <= 2, runs.join());
});
