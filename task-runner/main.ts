// The task-runner as a process. `node task-runner/main.ts --config FILE`
//
// SIGTERM and SIGINT: take no more work, finish what runs (at most `drainSeconds`), end with 0. A second one: stop now.

import { randomUUID } from "node:crypto";
import { STEPS } from "@gantry/connectors/steps.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { problemsOf } from "@gantry/wire/problem.ts";
import { makeLogger, runProcess } from "@gantry/wire/process.ts";
import { type RunnerConfigInput, runnerConfigSchema } from "./config.ts";
import { machineFiles } from "./files.ts";
import { type RunnerDeps, systemClock } from "./ports.ts";
import { endOldGroup, killByCookie } from "./process-group.ts";
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
    programs: deps.programs ?? { endOldGroup, killByCookie },
    logger: deps.logger ?? makeLogger("task-runner", parsed.data.logLevel),
    steps: deps.steps ?? STEPS,
    env: deps.env ?? process.env,
  });
}

if (import.meta.main) {
  await runProcess("task-runner", runnerConfigSchema, async (config, logger) => {
    const runner = await startRunner(config, { logger });
    return { ended: runner.ended, close: (again) => runner.close(again ? { drainMs: 0 } : {}) };
  });
}
