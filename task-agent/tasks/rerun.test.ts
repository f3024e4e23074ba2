// Which pipeline file a rerun uses.

import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ProtocolFixture } from "../runner-protocol/protocol.fixture.ts";

/** A task that ended as failed, after which its pipeline file was changed. */
async function failedThenChanged(t: TestContext) {
  const fixture = await ProtocolFixture.open(t);
  const { task, runner, ref } = await fixture.running("safe");
  await runner.report(ref, { outcome: "failed", failure: { code: "x", message: "no" } });
  const before = await fixture.client.task(task);
  const file = join(fixture.data, "safe.yaml");
  await writeFile(file, (await readFile(file, "utf8")).replace("run: 'true'", "run: 'false'"));
  await fixture.restart();
  return { fixture, before, file };
}

const scriptOf = async (fixture: ProtocolFixture): Promise<unknown> => {
  const { spec } = await (await fixture.runner()).takeJob();
  return spec.steps[0]?.action;
};

test("a rerun uses the pipeline file that the task ran with, although the file has changed", async (t) => {
  const { fixture, before } = await failedThenChanged(t);
  const again = await fixture.client.rerun(before.id, { principal: "dev", idempotencyKey: "again" });
  assert.deepEqual(again.definition, before.definition);
  assert.deepEqual(await scriptOf(fixture), { kind: "run", run: "true", shell: "sh" });
});

test("a rerun with the newest definition uses the file of today", async (t) => {
  const { fixture, before } = await failedThenChanged(t);
  const request = { principal: "dev", idempotencyKey: "again", definition: "newest" } as const;
  const again = await fixture.client.rerun(before.id, request);
  assert.notDeepEqual(again.definition, before.definition);
  assert.deepEqual(await scriptOf(fixture), { kind: "run", run: "false", shell: "sh" });
  const other = fixture.client.rerun(before.id, { ...request, definition: "pinned" });
  await assert.rejects(other, { code: "idempotency-key-reused" });
});

test("a task can be rerun after its pipeline was taken away, but not with its newest definition", async (t) => {
  const { fixture, before, file } = await failedThenChanged(t);
  await rm(file);
  await fixture.restart();
  const again = await fixture.client.rerun(before.id, { principal: "dev", idempotencyKey: "again" });
  assert.deepEqual(again.definition, before.definition);
  const newest = { principal: "dev", idempotencyKey: "newest", definition: "newest" } as const;
  await assert.rejects(fixture.client.rerun(before.id, newest), { code: "pipeline-unknown" });
});

const STAGES = `name: stages
app: none
params:
  target: { type: string, default: a }
jobs:
  build: { site: seoul, steps: [{ id: make, title: Make, run: "true" }], outputs: { image: x } }
  deploy: { site: seoul, needs: build, steps: [{ id: make, title: Make, run: "true" }] }
  lint: { site: seoul, steps: [{ id: make, title: Make, run: "true" }] }
`;

/** A task of which the deployment failed. */
async function failedDeploy(t: TestContext) {
  const fixture = await ProtocolFixture.open(t, { stages: STAGES });
  const { id } = await fixture.request("stages");
  const runner = await fixture.runner();
  const run = async (outcome: (job: string) => "succeeded" | "failed"): Promise<string> => {
    const { ref } = await runner.takeJob();
    await runner.start(ref);
    const isBad = outcome(ref.job) === "failed";
    await runner.report(ref, {
      outcome: outcome(ref.job),
      outputs: { image: `made by ${ref.task}` },
      ...(isBad ? { failure: { code: "x", message: "no" } } : {}),
    });
    return ref.job;
  };
  for (const _ of ["build", "lint", "deploy"]) await run((job) => (job === "deploy" ? "failed" : "succeeded"));
  assert.equal((await fixture.client.task(id)).state, "failed");
  return { fixture, id, run };
}

test("the plan of a rerun is what the rerun does; both tasks name each other (A23)", async (t) => {
  const { fixture, id, run } = await failedDeploy(t);
  const { client } = fixture;
  const plan = await client.planRerun(id, { principal: "dev" });
  assert.deepEqual(
    plan.jobs.map(({ key, does, because }) => [key, does, because]),
    [
      ["build", "reuse", "it succeeded"],
      ["deploy", "run", "it ended as failed"],
      ["lint", "reuse", "it succeeded"],
    ],
  );
  assert.equal(plan.isSameDefinition, true);
  assert.equal((await client.task(id)).reruns, undefined, "a plan starts nothing");
  const again = await client.rerun(id, { principal: "dev", idempotencyKey: "again" });
  assert.equal(await run(() => "succeeded"), "deploy");
  const ended = await client.task(again.id);
  assert.deepEqual(
    [ended.state, ended.rerunOf, ended.jobs.map(({ outputs }) => outputs.image)],
    ["succeeded", id, [`made by ${id}`, `made by ${again.id}`, `made by ${id}`]],
  );
  assert.deepEqual((await client.task(id)).reruns, [again.id]);
});

test("a rerun of one job runs what needs it, too (A23)", async (t) => {
  const { fixture, id, run } = await failedDeploy(t);
  const asked = { principal: "dev", from: "job", job: "build" } as const;
  const again = await fixture.client.rerun(id, { ...asked, idempotencyKey: "again" });
  assert.deepEqual([await run(() => "succeeded"), await run(() => "succeeded")], ["build", "deploy"]);
  assert.equal((await fixture.client.task(again.id)).state, "succeeded");
  const key = { ...asked, idempotencyKey: "again" };
  assert.equal((await fixture.client.rerun(id, key)).id, again.id, "the same key is the same rerun");
  await assert.rejects(fixture.client.rerun(id, { ...key, job: "lint" }), { code: "idempotency-key-reused" });
  await assert.rejects(fixture.client.planRerun(id, { ...asked, job: "nothing" }), { code: "not-found" });
});

test("with other parameters every job runs again, and wrong ones are refused before (A23)", async (t) => {
  const { fixture, id } = await failedDeploy(t);
  const edited = { principal: "dev", from: "edited", params: { target: "b" } } as const;
  const plan = await fixture.client.planRerun(id, edited);
  assert.deepEqual([plan.params, plan.jobs.map(({ does }) => does)], [{ target: "b" }, ["run", "run", "run"]]);
  const wrong = { ...edited, params: { target: 1 } };
  await assert.rejects(fixture.client.planRerun(id, wrong), { code: "bad-params" });
  const again = await fixture.client.rerun(id, { ...edited, idempotencyKey: "again" });
  assert.deepEqual([again.params, again.rerunOf], [{ target: "b" }, id]);
  const without = await fixture.client.planRerun(id, { ...edited, params: { target: null } });
  assert.deepEqual(without.params, { target: "a" });
});

test("a task that has not ended has no plan of a rerun", async (t) => {
  const fixture = await ProtocolFixture.open(t, { stages: STAGES });
  const { id } = await fixture.request("stages");
  await assert.rejects(fixture.client.planRerun(id, { principal: "dev" }), { code: "conflict" });
});
