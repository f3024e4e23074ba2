import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decideBranch } from "./decide-branch.ts";

const ROWS = [
  [undefined, "orders"],
  ["main", "orders"],
  ["refs/heads/main", "orders"],
  ["feature/x", "orders:feature-x"],
  ["refs/heads/feature/x", "orders:feature-x"],
  ["refs/tags/v1.2.3", "orders:v1.2.3"],
  ["release/1.x", "orders:release-1.x"],
  ["Main", "orders:Main"],
  ["main/2", "orders:main-2"],
  ["기능", "orders:branch"],
  ["3f2a9c4d5e6f708192a3b4c5d6e7f8091a2b3c4d", "orders:3f2a9c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"],
  ["a b&c", "orders:a-b-c"],
] as const;

test("without branch analysis, every branch but the main one has a project of its own", () => {
  for (const [branch, projectKey] of ROWS) {
    assert.deepEqual(decideBranch("orders", branch, "main", false), { projectKey, branch: undefined }, branch);
  }
});

test("property: only the main branch is analysed as the main branch, and keys are valid", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.boolean(), (branch, hasBranches) => {
      const place = decideBranch("orders", branch, "main", hasBranches);
      const isMain = place.projectKey === "orders" && place.branch === undefined;
      assert.equal(isMain, branch.replace(/^refs\/(heads|tags)\//, "") === "main");
      assert.match(place.projectKey, /^[A-Za-z0-9_.:-]{1,400}$/);
    }),
  );
});
