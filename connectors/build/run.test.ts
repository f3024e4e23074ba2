// build/run: commands of an app, confined like a script.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openBench } from "../step.fixture.ts";
import { run } from "./steps.ts";

test("commands run in their folder one after the other, confined, until one fails", async (t) => {
  const bench = await openBench({ systems: [] });
  t.after(() => bench.close());
  const good = await bench.run(run, { commands: "mkdir a\ncd a\npwd" });
  assert.equal(good.kind, "succeeded");
  assert.match(bench.lines.join(), /\/work\/a$/);
  assert.equal(bench.programs.at(-1)?.confined, true);
  const bad = await bench.run(run, { commands: "echo error: it broke >&2\nexit 7\necho never", directory: "a" });
  assert.ok(bad.kind === "failed", JSON.stringify(bad));
  assert.deepEqual([bad.failure.code, bad.failure.exitCode, bad.failure.line], ["script-failed", 7, "error: it broke"]);
  assert.doesNotMatch(bench.lines.join(), /never/);
  const outside = await bench.run(run, { commands: "true", directory: "../.." });
  assert.ok(outside.kind === "errored" && outside.failure.code === "bad-input");
});

test("programs that the runner lacks are named before anything is run", async (t) => {
  const bench = await openBench({ systems: [] });
  t.after(() => bench.close());
  const outcome = await bench.run(run, { commands: "true", tools: ["sh", "no-such-mvn", "no-such-java"] });
  assert.ok(outcome.kind === "errored", JSON.stringify(outcome));
  assert.equal(outcome.failure.code, "toolchain-missing");
  assert.equal(outcome.failure.message, "This runner has no no-such-mvn and no no-such-java.");
  assert.match(outcome.failure.todo ?? "", /runners of site seoul.*labels/);
  assert.deepEqual(bench.programs, []);
});
