// A runner in its own process, for tests that kill it: `node crashing-runner.fixture.ts <config as JSON>`.

import { runnerConfigSchema } from "./config.ts";
import { startRunner } from "./main.ts";
import { executorOf } from "./runner.fixture.ts";

const silent = (): void => {};
await startRunner(runnerConfigSchema.parse(JSON.parse(process.argv[2] ?? "{}")), {
  logger: { debug: silent, info: silent, warn: silent, error: silent },
  executor: executorOf({}),
});
