// One request that runs a pipeline once for each value, over HTTP with scripted runners.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { ProtocolFixture } from "../runner-protocol/protocol.fixture.ts";
import type { Claimed, ScriptedRunner } from "../runner-protocol/runner.fixture.ts";

const PATCH = `name: patch
title: Patch
button: Patch a site
app: none
params:
  site: { type: string, required: true, ui: site }
  note: { type: string, default: none }
  key: { type: string, secret: true }
outputs: { note: "\${{ params.note }}" }
jobs:
  work: { site: seoul, mode: lenient, retrySafe: true, steps: [{ run: "true" }] }
`;
const PLACES = PATCH.replace(", ui: site", "").replaceAll("patch", "places");

type FanOut = Parameters<ProtocolFixture["client"]["startTask"]>[0]["fanOut"];

function start(agent: ProtocolFixture, fanOut: FanOut, params: Record<string, string> = {}, idempotencyKey = "one") {
  return agent.client.startTask({ pipeline: "places", params, idempotencyKey, principal: "dev", fanOut });
}

async function take(runner: ScriptedRunner): Promise<Claimed> {
  const job = await runner.takeJob();
  await runner.start(job.ref);
  return job;
}

async function childrenOf(
  agent: ProtocolFixture,
  { id }: Pick<TaskView, "id">,
): Promise<readonly (readonly [string, string])[]> {
  return (await agent.client.task(id)).jobs.map(({ key, state }) => [key, state] as const);
}

test("C2: one request runs the pipeline for each value in order, so many at a time, and its task shows all of them", async (t) => {
  const agent = await ProtocolFixture.open(t, { places: PLACES });
  const runner = await agent.runner("seoul-1", [], { slots: 4 });
  const fanOut = { param: "site", values: ["oslo", "${{ 1 }}", "bonn"], maxParallel: 1 };
  const task = await start(agent, fanOut, { note: "${{ params.site }}" });
  assert.deepEqual([task.pipeline, task.title, task.children], ["fan-out", "Patch a site, for each site", ["places"]]);
  const seen: unknown[] = [];
  for (let count = 1; count <= 3; count += 1) {
    await agent.waitForEvent(task.id, "ChildStarted", count);
    const work = await take(runner);
    const child = await agent.client.task(work.ref.task);
    seen.push(child.params);
    assert.equal(child.parent?.task, task.id);
    assert.equal((await childrenOf(agent, task)).filter(([, state]) => state === "running").length, 1);
    await runner.report(work.ref);
  }
  assert.deepEqual(seen, [
    { site: "oslo", note: "${{ params.site }}" },
    { site: "${{ 1 }}", note: "${{ params.site }}" },
    { site: "bonn", note: "${{ params.site }}" },
  ]);
  await agent.waitForEvent(task.id, "TaskEnded");
  assert.equal((await agent.client.task(task.id)).state, "succeeded");
});

test("C2: after a failure no other one begins, those that run go on, and a rerun does what did not succeed", async (t) => {
  const agent = await ProtocolFixture.open(t, { places: PLACES });
  const runner = await agent.runner("seoul-1", [], { slots: 4 });
  const task = await start(agent, { param: "site", values: ["a", "b", "c"], maxParallel: 2, stopOnFailure: true });
  await agent.waitForEvent(task.id, "ChildStarted", 2);
  const [first, second] = [await take(runner), await take(runner)];
  await runner.report(first.ref, { outcome: "failed", failure: { code: "red", message: "No." } });
  await agent.waitForEvent(task.id, "JobCancelRequested");
  await runner.report(second.ref);
  await agent.waitForEvent(task.id, "TaskEnded");
  const failed = (await agent.client.task(first.ref.task)).params.site;
  assert.deepEqual((await childrenOf(agent, task)).toSorted(), [
    ["each[a]", failed === "a" ? "failed" : "succeeded"],
    ["each[b]", failed === "b" ? "failed" : "succeeded"],
    ["each[c]", "canceled"],
  ]);
  const again = await agent.client.rerun(task.id, {
    ...{ principal: "dev", idempotencyKey: "again", from: "failed", definition: "pinned" },
  });
  await agent.waitForEvent(again.id, "ChildStarted", 2);
  const states = (await childrenOf(agent, again)).map(([, state]) => state);
  assert.deepEqual(states.toSorted(), ["running", "running", "succeeded"]);
});

test("the same key gives the same task, and another request with it is refused", async (t) => {
  const agent = await ProtocolFixture.open(t, { places: PLACES });
  const fanOut = { param: "site", values: ["a", "b"] };
  const task = await start(agent, fanOut);
  assert.equal((await start(agent, fanOut)).id, task.id);
  await assert.rejects(start(agent, { ...fanOut, maxParallel: 1 }), { code: "idempotency-key-reused" });
  await agent.client.cancel(task.id, { principal: "kim" });
  await agent.waitForEvent(task.id, "TaskEnded");
  const all = (await agent.client.tasks({ limit: 10 })).items;
  assert.deepEqual(
    all.map(({ state }) => state),
    ["canceled", "canceled", "canceled"],
  );
});

test("a request that cannot be meant is refused, with what is wrong", async (t) => {
  const agent = await ProtocolFixture.open(t, { places: PLACES, patch: PATCH });
  const refusal = async (fanOut: FanOut, params: Record<string, string> = {}, pipeline = "places"): Promise<string> => {
    const request = { pipeline, params, idempotencyKey: "x", principal: "dev", fanOut };
    const error: unknown = await agent.client.startTask(request).then(
      () => "it was started",
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof GantryError, String(error));
    return error.problems.map(({ pointer, detail }) => `${pointer} ${detail}`).join("; ");
  };
  assert.equal(await refusal({ param: "sight", values: ["a"] }), "/fanOut/param places has no param sight");
  assert.equal(await refusal({ param: "site", values: ["a", "a"] }), "/fanOut/values two values have the name a");
  assert.equal(
    await refusal({ param: "site", values: ["a"] }, { site: "b" }),
    "/params/site site is given by `fanOut`",
  );
  assert.match(await refusal({ param: "site", values: ["a"] }, { key: "abcdef" }), /key is secret/);
  assert.match(await refusal({ param: "site", values: ["a"] }, { other: "x" }), /^\/other /);
  assert.match(await refusal({ param: "site", values: ["a", "seoul"] }, {}, "patch"), /^\/site\/0 /, "no such site");
});
