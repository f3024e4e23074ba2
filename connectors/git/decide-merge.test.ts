import assert from "node:assert/strict";
import { test } from "node:test";
import { decideMerge, type MergeFacts } from "./decide-merge.ts";

const COMMIT = "a".repeat(40);
const url = "https://git.example/pull/7";
const pullRequest: MergeFacts["pullRequest"] = {
  id: 7,
  url,
  title: "Deploy orders",
  from: "gantry/orders/t1/main",
  to: "main",
  isFromFork: false,
  state: "open",
  head: COMMIT,
  mergeCommit: undefined,
};
const facts: MergeFacts = { pullRequest, checks: [], by: "gantry", pushed: COMMIT, to: "main", seenMs: 60_000 };
const check = (name: string, state: "running" | "passed" | "failed") => ({ name, state, url: undefined });

const CASES: readonly [what: string, facts: Partial<MergeFacts>, decided: ReturnType<typeof decideMerge>][] = [
  ["a merged one is done", { pullRequest: { ...pullRequest, state: "merged" } }, { kind: "merged" }],
  ["a closed one ends the step", { pullRequest: { ...pullRequest, state: "closed" } }, { kind: "closed" }],
  ["every check passed: merge", { checks: [check("lint", "passed")] }, { kind: "merge" }],
  ["no check in 30 s: the repository has none", { seenMs: 30_000 }, { kind: "merge" }],
  ["no check yet", { seenMs: 29_999 }, { kind: "wait", reason: `${url} waits for its checks` }],
  [
    "a check runs",
    { checks: [check("lint", "passed"), check("build", "running")] },
    { kind: "wait", reason: `${url} waits for build` },
  ],
  [
    "a check failed",
    { checks: [check("lint", "failed"), check("build", "running")] },
    { kind: "refuse", problem: "the check lint failed" },
  ],
  ["the host shortens commits", { pullRequest: { ...pullRequest, head: COMMIT.slice(0, 12) } }, { kind: "merge" }],
  ["the pipeline does not say what it pushed", { pushed: undefined }, { kind: "merge" }],
  [
    "somebody pushed to the branch",
    { pullRequest: { ...pullRequest, head: "b".repeat(40) } },
    { kind: "refuse", problem: "other commits were pushed to its branch" },
  ],
  [
    "somebody directed it to another branch",
    { pullRequest: { ...pullRequest, to: "production" } },
    { kind: "refuse", problem: "it leads to the branch production now, not to main" },
  ],
  [
    "a person merged it into another branch",
    { by: "person", pullRequest: { ...pullRequest, to: "production", state: "merged" } },
    { kind: "refuse", problem: "it leads to the branch production now, not to main" },
  ],
  ["the pipeline does not say into which branch", { to: undefined }, { kind: "merge" }],
  [
    "somebody added checks that passed, so that one that failed is on the next page",
    { checks: Array.from({ length: 50 }, (_, n) => check(`c${n}`, "passed")) },
    { kind: "refuse", problem: "it has 50 checks or more, and Gantry does not read all of them" },
  ],
  [
    "the branch is gone",
    { pullRequest: { ...pullRequest, head: undefined } },
    { kind: "refuse", problem: "other commits were pushed to its branch" },
  ],
  [
    "a person merges, whatever the checks say",
    { by: "person", checks: [check("lint", "failed"), check("build", "running")] },
    { kind: "wait", reason: `${url} waits to be merged (lint failed, build runs)` },
  ],
];

for (const [what, changed, decided] of CASES)
  test(`merge: ${what}`, () => assert.deepEqual(decideMerge({ ...facts, ...changed }), decided));
