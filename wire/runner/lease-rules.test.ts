import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { killWithinMs, neverOverlaps } from "./lease-rules.ts";

test("default terms: stop at 60 s, kill by 80 s, reassign after 120 s", () => {
  const strict = { selfFenceMs: 60_000, reassignAfterMs: 120_000 };
  assert.ok(neverOverlaps(strict));
  assert.equal(killWithinMs(strict, "strict"), 20_000);
  assert.equal(killWithinMs({ selfFenceMs: 1_740_000, reassignAfterMs: 1_800_000 }, "lenient"), 20_000);
});

test("property: with any terms, a clock that is slow by a factor of 1.36 kills before the job is reassigned", () => {
  const terms = fc.record({
    selfFenceMs: fc.integer({ min: 10, max: 1e6 }),
    reassignAfterMs: fc.integer({ min: 10, max: 1e6 }),
  });
  fc.assert(
    fc.property(terms, (lease) => {
      fc.pre(neverOverlaps(lease));
      assert.ok((lease.selfFenceMs + killWithinMs(lease, "strict")) * 1.36 <= lease.reassignAfterMs * 0.91);
    }),
  );
});
