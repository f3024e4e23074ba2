import assert from "node:assert/strict";
import { test } from "node:test";
import { didYouMean, nearest } from "./suggest.ts";

test("the nearest name is found, and nothing where none is near", () => {
  const known = ["checkout", "commit-push", "create-repository", "sync"];
  assert.equal(nearest("chekout", known), "checkout");
  assert.equal(nearest("comit-psuh", known), "commit-push");
  assert.equal(nearest("snyc", known), "sync");
  assert.equal(nearest("deploy", known), undefined);
  assert.equal(nearest("x", ["y"]), undefined);
  assert.equal(nearest("s".repeat(100_000), known), undefined);
});

test("it is said as a question, or not at all", () => {
  assert.equal(didYouMean("titel", ["title"]), " (did you mean title?)");
  assert.equal(didYouMean("deploy", ["title"]), "");
});
