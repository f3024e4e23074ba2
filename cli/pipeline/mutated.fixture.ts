// Reads pipeline files that are broken at random, in a thread whose memory is limited.

import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** 50 for the file, and at most 30 for the code and the catalogue of steps. */
const MEMORY_MB = 80;

/** `slow`: the files that took more than 200 ms. `read`: how many were read and not refused. */
export type Mutated = { readonly slow: readonly string[]; readonly read: number };

/** The files with the numbers from `from`. Rejects when one of them crashes the thread, or needs more memory. */
export async function readMutated(from: number, count: number): Promise<Mutated> {
  const worker = new Worker(new URL("./mutated-worker.fixture.ts", import.meta.url), {
    workerData: { from, count },
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB, maxYoungGenerationSizeMb: 16 },
  });
  const [result] = (await once(worker, "message")) as [Mutated];
  return result;
}
