import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import type { CeTask, Gate } from "./client.ts";
import { decideGate, decideTask, sentence } from "./decide-gate.ts";

const subject = {
  system: "sonarqube",
  projectKey: "orders",
  dashboardUrl: "https://sonar.example/dashboard?id=orders",
};
const task = (more: Partial<CeTask>): CeTask => ({
  id: "t",
  status: "SUCCESS",
  warnings: [],
  componentKey: "orders",
  ...more,
});
const coverage = {
  status: "ERROR",
  metricKey: "coverage",
  comparator: "LT",
  errorThreshold: "80",
  actualValue: "41.2",
};
const bugs = { status: "ERROR", metricKey: "new_bugs", comparator: "GT", errorThreshold: "0", actualValue: "3" };
const fine = { status: "OK", metricKey: "violations", comparator: "GT", errorThreshold: "0", actualValue: "0" };
const gate = (status: Gate["status"], conditions: Gate["conditions"] = []): Gate => ({ status, conditions });

test("waits while SonarQube works, then asks about exactly this analysis", () => {
  assert.ok("waitFor" in decideTask(task({ status: "PENDING" }), subject));
  assert.ok("waitFor" in decideTask(task({ status: "IN_PROGRESS" }), subject));
  assert.deepEqual(decideTask(task({ analysisId: "a1" }), subject), { analysis: "a1" });
});

test("fails closed: no verdict is never a good verdict", () => {
  const cases: readonly [CeTask | undefined, RegExp][] = [
    [task({ status: "FAILED", errorMessage: "disk full" }), /disk full/],
    [task({ status: "CANCELED" }), /canceled/],
    [task({ componentKey: "other", analysisId: "a1" }), /belongs to the project other/],
    [task({}), /analysisId/],
    [undefined, /purged/],
  ];
  for (const [one, text] of cases) {
    assert.throws(
      () => decideTask(one, subject),
      (error) => error instanceof GantryError && text.test(String(error.details.problem)) && !error.entry.retryable,
    );
  }
  assert.throws(() => decideGate(gate("NONE"), "a1", subject), GantryError);
});

test("a red gate is the user's failure, with the first red condition as its line", () => {
  const outcome = decideGate(gate("ERROR", [fine, coverage, bugs]), "a1", subject);
  assert.ok(outcome.kind === "failed");
  assert.equal(outcome.failure.code, "gate-failed");
  assert.equal(outcome.failure.message, "The quality gate of orders did not pass.");
  assert.equal(outcome.failure.line, "coverage 41.2 is below 80");
  assert.equal(outcome.failure.why, "coverage 41.2 is below 80; new bugs 3 is above 0.");
  assert.match(outcome.failure.todo ?? "", /sonar\.example/);
  assert.equal(outcome.output?.conditions?.length, 3);
});

test("a green gate reports what was measured", () => {
  const outcome = decideGate(gate("OK", [fine]), "a1", subject);
  assert.deepEqual(outcome, {
    kind: "succeeded",
    output: {
      status: "OK",
      analysis: "a1",
      dashboardUrl: subject.dashboardUrl,
      conditions: [{ metric: "violations", status: "OK", actual: "0", comparator: "GT", threshold: "0" }],
    },
  });
});

test("a condition without value or with an unknown comparator still reads", () => {
  assert.equal(sentence({ ...coverage, actualValue: undefined }), "coverage has no value");
  assert.equal(sentence({ ...coverage, comparator: "XX" }), "coverage 41.2 is XX 80");
});
