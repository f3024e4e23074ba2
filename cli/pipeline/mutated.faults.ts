// Files that are broken at random: each is read or refused, in bounded time and memory. GANTRY_MUTATIONS is their number.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readMutated } from "./mutated.fixture.ts";

const FILES = Number(process.env.GANTRY_MUTATIONS ?? 1_000);
const PART = 500;

for (let from = 1; from <= FILES; from += PART)
  test(`mutated pipeline files from ${from}`, async () => {
    const { slow } = await readMutated(from, Math.min(PART, FILES + 1 - from));
    assert.deepEqual(slow, []);
  });
