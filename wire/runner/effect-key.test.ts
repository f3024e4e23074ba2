import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { effectKey } from "./effect-key.ts";

test("a key has 26 characters that are safe in labels, tags and branch names, and never changes", () => {
  const key = effectKey("t1", "deploy[seoul]", "push", "push", 0);
  assert.match(key, /^[a-z2-7]{26}$/);
  assert.equal(key, "qgi6lfw4a4wbj35av4t6rzzo65");
});

test("property: different parts give different keys", () => {
  const part = fc.string({ maxLength: 4 });
  const parts = fc.tuple(part, part, part, part, fc.nat({ max: 3 }));
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      const same = JSON.stringify(one) === JSON.stringify(other);
      assert.equal(effectKey(...one) === effectKey(...other), same);
    }),
  );
});
