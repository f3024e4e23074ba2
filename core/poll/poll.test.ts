// What is compared when a git host is polled, and which of two tellings counts.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { testRuns } from "../test-runs.fixture.ts";
import { type Claim, claim } from "./claims.ts";
import { polled, pushOf } from "./polled.ts";
import { differences, readRefs, refsText, wantedRefs, withDifferences } from "./refs.ts";

const commit = fc.constantFrom("a", "b", "c").map((letter) => letter.repeat(40));
const refs = fc.dictionary(fc.constantFrom("refs/heads/main", "refs/heads/a/b", "refs/tags/v1", "refs/tags/ü"), commit);

test("what has changed, put onto what was known, is what is there now", () => {
  fc.assert(
    fc.property(refs, refs, (one, other) => {
      const [before, now] = [new Map(Object.entries(one)), new Map(Object.entries(other))];
      assert.equal(refsText(withDifferences(before, differences(before, now))), refsText(now));
      assert.equal(refsText(readRefs(refsText(now))), refsText(now));
      assert.deepEqual(differences(now, now), []);
    }),
    { numRuns: testRuns(500) },
  );
});

test("only branches and tags count, those that the patterns name; a tag is its commit", () => {
  const [a, b] = ["a".repeat(40), "b".repeat(40)];
  const tips = new Map([
    ["HEAD", a],
    ["refs/heads/main", a],
    ["refs/heads/wip/x", a],
    ["refs/pull/1/head", a],
    ["refs/tags/v1", a],
    ["refs/tags/v1^{}", b],
    ["refs/tags/nightly", a],
  ]);
  const wanted = wantedRefs(tips, { branches: ["**", "!wip/**"], tags: ["v*"] });
  assert.deepEqual(
    [...wanted],
    [
      ["refs/heads/main", a],
      ["refs/tags/v1", b],
    ],
  );
});

test("webhooks and polling together start each move once, in whichever order they tell", () => {
  // The branch moves from commit to commit. Webhooks tell of each move; polling of some, because it may look in between.
  const moves = fc.array(fc.record({ commit, polled: fc.boolean() }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(moves, fc.array(fc.nat(), { minLength: 40, maxLength: 40 }), (all, order) => {
      const told = (by: Claim["by"], of: readonly { readonly commit: string }[]) =>
        of.map(({ commit: at }, n) => ({ by, delivery: `${by}-${n}`, ref: "refs/heads/main", commit: at }));
      const queues = [
        told("webhook", all),
        told(
          "polling",
          all.filter((one) => one.polled),
        ),
      ];
      let claims: readonly Claim[] = [];
      const started: string[] = [];
      for (const pick of order) {
        const queue = queues[pick % 2]?.length ? queues[pick % 2] : queues[(pick + 1) % 2];
        const telling = queue?.shift();
        if (!telling) break;
        const first = claim(claims, telling);
        if (first.counts) started.push(telling.commit);
        const again = claim(first.claims, telling);
        assert.deepEqual([again.counts, again.claims], [first.counts, first.claims], "the same answer after a crash");
        claims = again.claims;
      }
      assert.deepEqual(started.toSorted(), all.map((one) => one.commit).toSorted());
    }),
    { numRuns: testRuns(500) },
  );
});

test("an abbreviated commit is the same commit; another branch at it is another telling", () => {
  const at = "1234567890".repeat(4);
  const first = claim([], { by: "webhook", delivery: "w1", ref: "refs/heads/main", commit: at.slice(0, 12) });
  const second = claim(first.claims, { by: "polling", delivery: "w2", ref: "refs/heads/main", commit: at });
  const third = claim(second.claims, { by: "polling", delivery: "w2", ref: "refs/tags/v1", commit: at });
  assert.deepEqual([first.counts, second.counts, third.counts], [true, false, true]);
});

test("what a runner hands over is checked, and refs that git does not allow are left out", () => {
  const change = { ref: "refs/heads/main", commit: "a".repeat(40) };
  const good = {
    changed: [],
    failed: [],
    provider: "gitea",
    found: [{ repository: "A/b", isWhole: true, changes: [change] }],
  };
  assert.equal(polled.safeParse(good).success, true);
  for (const bad of [
    { ...change, ref: "refs/pull/1/head" },
    { ...change, commit: "main" },
    { ...change, paths: "all" },
  ])
    assert.equal(polled.safeParse({ ...good, found: [{ ...good.found[0], changes: [bad] }] }).success, false);
  const odd = [
    change,
    { ...change, ref: "refs/heads/a b" },
    { ref: "refs/tags/tree", commit: change.commit, isNoCommit: true as const },
  ];
  const { changes } = pushOf({ project: "A", slug: "b" }, odd);
  assert.deepEqual(changes, [{ ref: "branch", name: "main", commit: change.commit }]);
});
