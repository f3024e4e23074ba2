// The speed of the disk: one small write with fsync.

import { open } from "node:fs/promises";
import { join } from "node:path";
import { quantile } from "./figure.ts";

const SAMPLES = 100;
const BYTES = Buffer.alloc(4_096, 1);

/** Median, ms. */
export async function syncMs(folder: string): Promise<number> {
  const file = await open(join(folder, "sync"), "w");
  try {
    const samples: number[] = [];
    for (let n = 0; n < SAMPLES; n += 1) {
      await file.write(BYTES);
      const began = performance.now();
      await file.datasync();
      samples.push(performance.now() - began);
    }
    return quantile(samples, 0.5);
  } finally {
    await file.close();
  }
}
