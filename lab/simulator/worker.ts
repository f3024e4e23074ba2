// One thread of workers.ts: gets seeds, answers results.

import { parentPort, workerData } from "node:worker_threads";
import { runSeed } from "./run-seed.ts";

// Errors are made by the thousand here, and nobody reads where.
Error.stackTraceLimit = 0;
const { theme } = workerData as { readonly theme: string | undefined };
const port = parentPort;
if (!port) throw new Error("this file is for a worker thread");
port.on("message", async (seed: number) => {
  const result = await runSeed(seed, { digest: false, theme });
  port.postMessage({ ...result, violations: result.violations.slice(0, 20) });
});
