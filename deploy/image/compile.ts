// Runs while the image is built: loads the modules of the processes, so that Node writes them to NODE_COMPILE_CACHE. A single
// module that is missing in the cache loads the whole compiler into the memory of a process.

import { once } from "node:events";
import { Worker } from "node:worker_threads";

const ROOT = new URL("../../", import.meta.url);
const FILES = [
  "task-agent/main.ts",
  "notify-agent/main.ts",
  "portal-api/main.ts",
  "task-runner/main.ts",
  "deploy/image/health.ts",
  "journal/redis/redis.ts",
  "wire/bus/kafka/kafka-bus.ts",
  "wire/bus/kafka/kafkajs/client.ts",
  "wire/bus/kafka/platformatic/client.ts",
];

for (const file of FILES) await import(new URL(file, ROOT).href);
const steps = new URL("connectors/steps.ts", ROOT).href;
const { STEPS } = (await import(steps)) as { STEPS: { [name: string]: () => Promise<unknown> } };
for (const load of Object.values(STEPS)) await load();
const worker = new Worker(new URL("task-runner/workers/worker.ts", ROOT), { workerData: { steps } });
await once(worker, "message");
await worker.terminate();
