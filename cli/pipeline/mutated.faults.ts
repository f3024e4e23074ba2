// 10,000 files that are broken at random: each is read or refused, in bounded time and memory.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readMutated } from "./mutated.fixture.ts";

const PART = process.env.GANTRY_FULL_RUNS ? 1_000 : 100;

for (let part = 0; part < 10; part += 1)
  test(`mutated pipeline files, part ${part + 1} of 10`, { timeout: 170_000 }, async () => {
    const { slow } = await readMutated(1 + part * 1_000, PART);
    assert.deepEqual(slow, []);
  });
