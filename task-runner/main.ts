// The task-runner as a process. `node task-runner/main.ts --config FILE`
//
// SIGTERM and SIGINT: take no more work, finish what runs (at most `drainSeconds`), end with 0. A second one: stop now.

import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { STEPS } from "@gantry/connectors/steps.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { Logger } from "@gantry/wire/http.ts";
import { problemsOf } from "@gantry/wire/problem.ts";
import { makeLogger, runProcess } from "@gantry/wire/process.ts";
import { type RunnerConfigInput, runnerConfigSchema } from "./config.ts";
import { machineFiles } from "./files.ts";
import { type RunnerDeps, systemClock } from "./ports.ts";
import { machinePrograms } from "./process-group.ts";
import { openRunner, type Runner } from "./runner.ts";

/**
 * Starts a runner with the machine's own clock, network and steps, unless `deps` says otherwise. Resolves when it is ready
 * to ask for work; the task-agent need not be there yet. Throws `config-invalid`, or `store-busy` when its data folder is
 * in use.
 */
export function startRunner(input: RunnerConfigInput, deps: Partial<RunnerDeps> = {}): Promise<Runner> {
  const parsed = runnerConfigSchema.safeParse(input);
  if (!parsed.success) {
    const problems = problemsOf(parsed.error);
    const problem = problems.map(({ pointer, detail }) => `${pointer} ${detail}`).join(" ");
    throw new GantryError("config-invalid", { problem }, { problems });
  }
  return openRunner(parsed.data, {
    fetch: deps.fetch ?? fetch,
    clock: deps.clock ?? systemClock,
    random: deps.random ?? Math.random,
    newId: deps.newId ?? randomUUID,
    files: deps.files ?? machineFiles,
    programs: deps.programs ?? machinePrograms,
    logger: deps.logger ?? makeLogger("task-runner", parsed.data.logLevel),
    steps: deps.steps ?? STEPS,
    env: deps.env ?? process.env,
  });
}

const BEAT_MS = 10_000;

/** Touches a file as long as the process is not stuck: a runner has no port that could be asked. */
async function beat(file: string, logger: Logger): Promise<void> {
  const touch = (): Promise<void> => writeFile(file, `${process.pid}\n`);
  await touch();
  setInterval(() => {
    touch().catch((err: unknown) => logger.warn({ err }, "the file that says that the runner is alive"));
  }, BEAT_MS).unref();
}

if (import.meta.main) {
  await runProcess("task-runner", runnerConfigSchema, async (config, logger) => {
    const runner = await startRunner(config, { logger });
    await beat(join(config.data, "alive"), logger);
    return { ended: runner.ended, close: (again) => runner.close(again ? { drainMs: 0 } : {}) };
  });
}
