import assert from "node:assert/strict";
import { test } from "node:test";
import { templateInWords, unmetText } from "./in-words.ts";

const SCOPE = {
  status: "succeeded",
  params: { dryRun: false, targets: [], reason: "" },
  app: { name: "orders", yaml: { push: "pull-request" } },
  task: { id: "t1" },
  each: { test: "", os: "linux" },
  steps: { edit: { outcome: "succeeded", outputs: { changed: false } } },
  needs: { analyse: { outcome: "skipped", outputs: {} } },
};

test("a condition that is not met is said by the values that decide it", () => {
  for (const [condition, words] of [
    ["params.dryRun", "the parameter dryRun is false"],
    ["params.targets.size() > 0", "the parameter targets is empty"],
    ['each.test != ""', "the test of this entry is empty"],
    ["has(task.rollback)", "the task has no rollback"],
    [
      'app.yaml.?push.orValue("direct") != "pull-request" || steps.edit.outputs.changed',
      "the yaml.push of the app is pull-request and the output changed of the step edit is false",
    ],
    // Only what is not met.
    ['app.name == "orders" && needs.analyse.outcome == "succeeded"', "the outcome of the job analyse is skipped"],
    ["false", "`false` is not true"],
  ] as const)
    assert.equal(unmetText(condition, SCOPE), words, condition);
  const long = { ...SCOPE, params: { reason: "x".repeat(500) } };
  assert.ok(unmetText('params.reason == ""', long).length < 120);
});

test("a text whose values are not known yet names them", () => {
  assert.equal(templateInWords("cd/${{ app.name }}"), "cd/‹name of the app›");
  assert.equal(templateInWords("Deploy ${{ params.build }} to ${{ each }}?"), "Deploy ‹build› to ‹this entry›?");
  assert.equal(templateInWords("${{ params.a + params.b }}"), "‹a and b›");
  assert.equal(templateInWords("plain"), "plain");
});
