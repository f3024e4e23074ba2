import assert from "node:assert/strict";
import { test } from "node:test";
import { type Backoff, backoffMs } from "./backoff.ts";

const LIMITS = { firstMs: 100, maxMs: 1_000 };

test("delays double up to their limit, and stay there for any number of failures", () => {
  const none: Backoff = { ...LIMITS, jitter: "none" };
  assert.deepEqual(
    [1, 2, 3, 4, 5, 5_000].map((failures) => backoffMs(none, failures)),
    [100, 200, 400, 800, 1_000, 1_000],
  );
  assert.equal(backoffMs({ ...none, factor: 1.5 }, 2), 150);
  assert.equal(backoffMs({ firstMs: 0, maxMs: 0, jitter: "none" }, 5_000), 0);
});

test("jitter takes the full delay, or half of it, from chance", () => {
  const at = (jitter: Backoff["jitter"]): readonly number[] =>
    [0, 0.5, 1].map((random) => backoffMs({ ...LIMITS, jitter }, 2, random));
  assert.deepEqual(at("full"), [0, 100, 200]);
  assert.deepEqual(at("half"), [100, 150, 200]);
  assert.deepEqual(at("none"), [200, 200, 200]);
});
