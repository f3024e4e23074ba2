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
