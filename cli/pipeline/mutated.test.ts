// Files that are broken at random: each is read or refused, in bounded time and memory. More of them: mutated.faults.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { testRuns } from "@gantry/core/test-runs.fixture.ts";
import { readMutated } from "./mutated.fixture.ts";

const FILES = testRuns(400);

test("mutated pipeline files are read or refused within 200 ms and 50 MiB, and none crashes", async () => {
  const { slow, read } = await readMutated(1, FILES);
  assert.deepEqual(slow, []);
  // Otherwise the mutations would only break the YAML.
  assert.ok(read > FILES / 50 && read < FILES, `${read} of ${FILES} were read`);
});
