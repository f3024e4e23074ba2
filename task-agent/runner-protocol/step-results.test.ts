// What runners report about scripts beside how they end: annotations, summaries, how far they are.

import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { ProtocolFixture } from "./protocol.fixture.ts";

const place = (task: string, step: string) => ({ task, job: "work", step, attempt: 1 });

test("the end of a step keeps its annotations and the size of its summary, also after a restart of the agent", async (t) => {
  const fixture = await ProtocolFixture.open(t);
  const { task, runner, ref } = await fixture.running("safe");
  await runner.progress(ref, 1, [{ kind: "step-started", step: "make" }]);
  const annotations = [{ level: "error" as const, message: "bad", file: "a.js", line: 3 }];
  const end = { kind: "step-ended" as const, step: "make", outcome: "failed" as const, durationMs: 5 };
  await runner.progress(ref, 2, [{ ...end, annotations, annotationsLeftOut: 7, summaryBytes: 6 }]);
  const summary = Buffer.from("# Red\n");
  assert.equal(await runner.log(ref, "summary:make", 0, summary, crc32(summary), true), 6);
  await fixture.restart();
  const [step] = (await fixture.job(task)).steps;
  assert.deepEqual([step?.annotations, step?.annotationsLeftOut, step?.summaryBytes], [annotations, 7, 6]);
  const read = await fixture.client.log(place(task, "summary:make"), 0, 100);
  assert.equal(read.bytes.toString(), "# Red\n");
});

test("a summary is only of a step that the job has, and no part of the log of the step", async (t) => {
  const fixture = await ProtocolFixture.open(t);
  const { task, runner, ref } = await fixture.running("safe");
  const bytes = Buffer.from("x");
  for (const name of ["summary:other", "summary:", "summary:summary:make"])
    await assert.rejects(runner.log(ref, name, 0, bytes, crc32(bytes), true), { code: "not-found" }, name);
  await runner.log(ref, "summary:make", 0, bytes, crc32(bytes), true);
  assert.equal((await fixture.client.log(place(task, "make"), 0, 100)).size, 0);
});

test("annotations beyond the limits of the protocol are refused", async (t) => {
  const fixture = await ProtocolFixture.open(t);
  const { runner, ref } = await fixture.running("safe");
  const end = { kind: "step-ended" as const, step: "make", outcome: "failed" as const, durationMs: 5 };
  const one = { level: "error" as const, message: "bad" };
  for (const annotations of [
    Array.from({ length: 51 }, () => one),
    [{ ...one, message: "x".repeat(1_001) }],
    [{ ...one, file: "x".repeat(501) }],
    [{ ...one, line: -1 }],
  ])
    await assert.rejects(runner.progress(ref, 1, [{ ...end, annotations }]), { code: "bad-request" });
});

test("A13: how far a step is comes with the renewals of its lease, seldom enough for the journal", async (t) => {
  const fixture = await ProtocolFixture.open(t);
  const { task, runner, ref } = await fixture.running("safe");
  const told = { step: "make", done: 1, total: 10, text: "uploading" };
  assert.equal((await runner.heartbeat(ref, told)).state, "ok", "the step has not started");
  await runner.progress(ref, 1, [{ kind: "step-started", step: "make" }]);
  await runner.heartbeat(ref, told);
  await fixture.waitForEvent(task, "StepTold");
  const { at: _, ...shown } = (await fixture.job(task)).steps[0]?.told ?? { at: "" };
  assert.deepEqual(shown, { done: 1, total: 10, text: "uploading" });
  await runner.heartbeat(ref, { ...told, done: 2 });
  await runner.heartbeat(ref, { ...told, step: "unknown", done: 3 });
  await fixture.clock.pass(11_000);
  await runner.heartbeat(ref, { ...told, done: 1 });
  await runner.heartbeat(ref, { ...told, done: 4 });
  await fixture.waitForEvent(task, "StepTold", 2);
  const kinds = await fixture.kinds(task);
  assert.equal(kinds.filter((kind) => kind === "StepTold").length, 2, "too soon, of no step, or nothing new");
  await runner.progress(ref, 2, [{ kind: "step-ended", step: "make", outcome: "succeeded", durationMs: 5 }]);
  const [ended] = (await fixture.job(task)).steps;
  assert.deepEqual([ended?.state, ended?.told], ["succeeded", undefined]);
});
