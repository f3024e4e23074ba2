// One thread of workers.ts: receives seeds, sends back results.

import { parentPort, workerData } from "node:worker_threads";
import { runSeed } from "./run-seed.ts";

// Thousands of errors are created here and their stack traces are never read.
Error.stackTraceLimit = 0;
const { theme } = workerData as { readonly theme: string | undefined };
const port = parentPort;
if (!port) throw new Error("this file must run in a worker thread");
port.on("message", async (seed: number) => {
  const result = await runSeed(seed, { digest: false, theme });
  port.postMessage({ ...result, violations: result.violations.slice(0, 20) });
});
