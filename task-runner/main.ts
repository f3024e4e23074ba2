// The task-runner as a process. `node task-runner/main.ts --config FILE`
//
// SIGTERM and SIGINT: take no more work, finish what runs (at most `drainSeconds`), end with 0. A second one: stop now.

import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { systemClock } from "@gantry/runtime/clock.ts";
import { problemsOf } from "@gantry/runtime/http/problem.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { runProcess } from "@gantry/runtime/process/run-process.ts";
import { type RunnerConfigInput, runnerConfigSchema } from "./config.ts";
import type { RunnerDeps } from "./ports.ts";
import { machinePrograms } from "./processes/process-group.ts";
import { openRunner, type Runner } from "./runner.ts";
import { machineFiles } from "./state/files.ts";
import type { JobExecutor } from "./workers/job-executor.ts";
import { openWorkerPool } from "./workers/worker-pool.ts";

/**
 * Starts a runner with the machine's own clock, network and steps, unless `deps` says otherwise. Resolves when it is ready
 * to ask for work; the task-agent need not be there yet. Throws `config-invalid`, or `store-busy` when its data folder is
 * in use.
 */
export async function startRunner(input: RunnerConfigInput, deps: Partial<RunnerDeps> = {}): Promise<Runner> {
  const parsed = runnerConfigSchema.safeParse(input);
  if (!parsed.success) {
    const problems = problemsOf(parsed.error);
    const problem = problems.map(({ pointer, detail }) => `${pointer} ${detail}`).join(" ");
    throw new GantryError("config-invalid", { problem }, { problems });
  }
  const logger = deps.logger ?? makeLogger("task-runner", parsed.data.logLevel);
  const executor = deps.executor ?? openJobExecutor(logger);
  // A runner has no server, and timers of the clock keep no process alive.
  const stayAlive = setInterval(() => {}, STAY_ALIVE_MS);
  const closeOwn = async (): Promise<void> => {
    clearInterval(stayAlive);
    if (!deps.executor) await executor.close();
  };
  try {
    const runner = await openRunner(parsed.data, {
      fetch: deps.fetch ?? fetch,
      clock: deps.clock ?? systemClock,
      random: deps.random ?? Math.random,
      newId: deps.newId ?? randomUUID,
      files: deps.files ?? machineFiles,
      programs: deps.programs ?? machinePrograms,
      logger,
      executor,
      env: deps.env ?? process.env,
    });
    const closed = runner.ended.finally(closeOwn);
    // Whoever started the runner may not be listening.
    closed.catch(() => {});
    return { ...runner, close: (how) => runner.close(how).finally(closeOwn), ended: closed };
  } catch (error) {
    await closeOwn();
    throw error;
  }
}

/** Worker threads that know the steps that ship, or those of another module. Several runners may share them. */
export function openJobExecutor(logger: Logger, { steps = SHIPPED, memoryMb = THREAD_MEMORY_MB } = {}): JobExecutor {
  const machine = { clock: systemClock, files: machineFiles, programs: machinePrograms };
  return openWorkerPool({ ...machine, logger, steps, memoryMb });
}

const SHIPPED = import.meta.resolve("@gantry/connectors/steps.ts");
/** Far more than any step that ships needs; a step that wants more has a fault, and ends alone. */
const THREAD_MEMORY_MB = 1_024;
const BEAT_MS = 10_000;
const STAY_ALIVE_MS = 2_147_483_647;

/**
 * Touches a file as long as the process is not stuck, and writes into it whether the task-agent knows the runner: it has no
 * port that could be asked.
 */
async function beat(file: string, { registered }: Runner, logger: Logger): Promise<void> {
  let said = "not registered\n";
  await writeFile(file, said);
  const touch = (): void => {
    writeFile(file, said).catch((err: unknown) => {
      logger.warn({ err }, "the file that says that the runner is alive");
    });
  };
  setInterval(touch, BEAT_MS).unref();
  void registered.then(() => {
    said = "registered\n";
    touch();
  });
}

if (import.meta.main) {
  await runProcess("task-runner", runnerConfigSchema, async (config, logger) => {
    const runner = await startRunner(config, { logger });
    await beat(join(config.data, "alive"), runner, logger);
    return { ended: runner.ended, close: (again) => runner.close(again ? { drainMs: 0 } : {}) };
  });
}
