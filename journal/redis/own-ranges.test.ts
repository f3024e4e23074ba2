import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { makeOwnRanges } from "./own-ranges.ts";

test("property: contains every own event, added in any order, and how far there is no foreign event between", () => {
  const range = fc.record({ first: fc.integer({ min: 1, max: 60 }), length: fc.integer({ min: 0, max: 8 }) });
  fc.assert(
    fc.property(fc.array(range, { maxLength: 30 }), fc.nat({ max: 70 }), (added, forgotten) => {
      const own = makeOwnRanges();
      const ours = new Set<number>();
      for (const { first, length } of added) {
        own.add(first, first + length - 1);
        for (let seq = first; seq < first + length; seq += 1) ours.add(seq);
      }
      own.forget(forgotten);
      for (let seq = forgotten; seq <= 70; seq += 1) {
        let last = seq;
        while (ours.has(last + 1)) last += 1;
        assert.equal(own.lastAfter(seq), last);
        if (seq > forgotten) assert.equal(own.has(seq), ours.has(seq));
      }
    }),
  );
});
