// A task-runner with the steps of outside-steps.ts, as a separate process: `node runner-main.ts <config as JSON>`. Its log
// goes to standard output.

import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { openJobExecutor, startRunner } from "@gantry/task-runner/main.ts";

const config = JSON.parse(process.argv[2] ?? "{}") as Parameters<typeof startRunner>[0];
const logger = makeLogger("task-runner", "info");
const executor = openJobExecutor(logger, { steps: new URL("./outside-steps.ts", import.meta.url).href });
const runner = await startRunner(config, { logger, executor });
process.once("SIGTERM", () => void runner.close().finally(() => executor.close()));
await runner.ended;
await executor.close();
