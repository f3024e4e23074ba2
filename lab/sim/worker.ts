// One thread of workers.ts: gets seeds, answers results.

import { parentPort } from "node:worker_threads";
import { runSeed } from "./run-seed.ts";

// Errors are made by the thousand here, and nobody reads where.
Error.stackTraceLimit = 0;
const port = parentPort;
if (!port) throw new Error("this file is for a worker thread");
port.on("message", async (seed: number) => {
  const result = await runSeed(seed, { digest: false });
  port.postMessage({ ...result, violations: result.violations.slice(0, 20) });
});
