// Files that are broken at random: each is read or refused, in bounded time and memory.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";

const FILES = process.env.GANTRY_FULL_RUNS ? 10_000 : 400;
/** 50 for the file, and at most 30 for the code and the catalogue of steps. */
const MEMORY_MB = 80;

test("mutated pipeline files are read or refused within 200 ms and 50 MiB, and none crashes", async () => {
  const worker = new Worker(new URL("./mutated.fixture.ts", import.meta.url), {
    workerData: { from: 1, count: FILES },
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB, maxYoungGenerationSizeMb: 16 },
  });
  // A thread that needs more memory ends with an error.
  const [result] = (await once(worker, "message")) as [{ readonly slow: readonly string[]; readonly read: number }];
  assert.deepEqual(result.slow, []);
  // Otherwise the mutations would only break the YAML.
  assert.ok(result.read > FILES / 50 && result.read < FILES, `${result.read} of ${FILES} were read`);
});
