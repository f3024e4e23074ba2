// Tests of the simulator itself: a seed always gives the same run, and the mutant patches still apply to the code.
// `npm test` runs 60 seeds beside all tests, with a low priority, and `.ci/run` 1,000; see docs/promises.md.

import assert from "node:assert/strict";
import { test } from "node:test";
import { randomOf } from "./machine/random.ts";
import { createTimeline } from "./machine/timeline.ts";
import { MUTANTS } from "./mutants/list.ts";
import { patched } from "./mutants/run.ts";
import { runSeed } from "./run-seed.ts";

test("a seed gives the same trace every time", async () => {
  const digests = async (): Promise<string[]> => {
    const all: string[] = [];
    for (const seed of [1, 9, 112, 353]) all.push((await runSeed(seed)).digest);
    return all;
  };
  const [once, again] = [await digests(), await digests()];
  assert.deepEqual(once, again);
  assert.equal(new Set(once).size, once.length);
});

test("every mutant patch applies to the code exactly once", async () => {
  for (const mutant of MUTANTS) {
    const texts = await patched(mutant);
    assert.ok(texts.size > 0);
  }
  assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
});

test("events fire in the order of their times, and events of the same time in the order in which they were scheduled", async () => {
  const random = randomOf(7);
  const timeline = createTimeline();
  const wanted = Array.from({ length: 500 }, (_, order) => ({ ms: random.int(0, 50), order }));
  const happened: typeof wanted = [];
  for (const one of wanted) {
    const cancel = timeline.at(one.ms, () => happened.push(one));
    if (one.order % 7 === 0) cancel();
  }
  await timeline.run(() => false);
  const kept = wanted.filter(({ order }) => order % 7 !== 0);
  assert.deepEqual(
    happened,
    kept.toSorted((a, b) => a.ms - b.ms || a.order - b.order),
  );
});
