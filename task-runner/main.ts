// The task-runner as a process. `node task-runner/main.ts --config FILE`
//
// SIGTERM and SIGINT: take no more work, finish running jobs (at most `drainSeconds`), exit with 0. A second one: stop now.

import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { watchApplications } from "@gantry/connectors/argo-cd/watch.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { systemClock } from "@gantry/runtime/clock.ts";
import { fetchWithTls } from "@gantry/runtime/http/client-tls.ts";
import { checkPlainHttp } from "@gantry/runtime/http/plain-http.ts";
import { problemsInWords, problemsOf } from "@gantry/runtime/http/problem.ts";
import { every } from "@gantry/runtime/periodic.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { keepRecentLines } from "@gantry/runtime/process/recent-lines.ts";
import { type Running, runProcess } from "@gantry/runtime/process/run-process.ts";
import { type RunnerConfig, type RunnerConfigInput, runnerConfigSchema } from "./config.ts";
import type { RunnerDeps } from "./ports.ts";
import { machinePrograms } from "./processes/process-group.ts";
import { findSandbox } from "./processes/sandbox.ts";
import { openRunner, type Runner } from "./runner.ts";
import { machineFiles } from "./state/files.ts";
import type { JobExecutor } from "./workers/job-executor.ts";
import { openWorkerPool } from "./workers/worker-pool.ts";

/** Why scripts cannot be put into a sandbox on this machine, for people; undefined when they can. */
export async function sandboxProblem(path: string): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-sandbox-"));
  try {
    const found = await findSandbox({ folder, path, readOnly: [], hidden: [] });
    return "why" in found ? found.why : undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Starts a runner with the machine's own clock, network and steps, unless `deps` replaces them. Resolves when it is ready to
 * poll for work; the task-agent need not be reachable yet. Throws `config-invalid`, `secret-unreadable`, or `store-busy`
 * when its data folder is in use.
 */
export async function startRunner(input: RunnerConfigInput, deps: Partial<RunnerDeps> = {}): Promise<Runner> {
  const parsed = runnerConfigSchema.safeParse(input);
  if (!parsed.success) {
    const problems = problemsOf(parsed.error, input);
    throw new GantryError("config-invalid", { problem: problemsInWords(problems) }, { problems });
  }
  const logger = deps.logger ?? makeLogger("task-runner", parsed.data.logLevel);
  const { agent, agentTls = {}, allowPlainHttp } = parsed.data;
  checkPlainHttp({ allowPlainHttp, calls: { "/agent": agent } }, logger);
  const agentFetch = deps.fetch ?? (await fetchWithTls(agentTls, "/agentTls"));
  const executor = deps.executor ?? openJobExecutor(logger);
  // A runner has no server, and the timers of the clock do not keep a process alive.
  const stayAlive = setInterval(() => {}, STAY_ALIVE_MS);
  const closeOwn = async (): Promise<void> => {
    clearInterval(stayAlive);
    if (!deps.executor) await executor.close();
  };
  try {
    const runner = await openRunner(parsed.data, {
      fetch: agentFetch,
      clock: deps.clock ?? systemClock,
      random: deps.random ?? Math.random,
      newId: deps.newId ?? randomUUID,
      files: deps.files ?? machineFiles,
      programs: deps.programs ?? machinePrograms,
      logger,
      ...(deps.ownLog ? { ownLog: deps.ownLog } : {}),
      executor,
      fleet: deps.fleet ?? { fetch, watchApplications: watchArgoCd },
      env: deps.env ?? process.env,
    });
    const closed = runner.ended.finally(closeOwn);
    // The caller that started the runner may not listen.
    closed.catch(() => {});
    return { ...runner, close: (how) => runner.close(how).finally(closeOwn), ended: closed };
  } catch (error) {
    await closeOwn();
    throw error;
  }
}

/** Loaded when there is an Argo CD to watch. */
const watchArgoCd: typeof watchApplications = async (system, watching) => {
  const connector = await import("@gantry/connectors/argo-cd/watch.ts");
  await connector.watchApplications(system, watching);
};

/** Worker threads with the built-in steps, or with the steps of another module. Several runners may share them. */
export function openJobExecutor(
  logger: Logger,
  { steps = BUILT_IN_STEPS, memoryMb = THREAD_MEMORY_MB } = {},
): JobExecutor {
  const machine = { clock: systemClock, files: machineFiles, programs: machinePrograms };
  return openWorkerPool({ ...machine, logger, steps, memoryMb });
}

const BUILT_IN_STEPS = import.meta.resolve("@gantry/connectors/steps.ts");
/** Far more than any built-in step needs. A step that needs more has a bug, and only its job fails. */
const THREAD_MEMORY_MB = 1_024;
const TOUCH_MS = 10_000;
const STAY_ALIVE_MS = 2_147_483_647;

/**
 * Touches a file for health checks, because the runner listens on no port. The file is touched as long as the event loop
 * runs, and says whether the runner is registered with the task-agent.
 */
async function keepAliveFile(file: string, { registered }: Runner, logger: Logger): Promise<void> {
  let state = "not registered\n";
  await writeFile(file, state);
  const touch = (): void => {
    writeFile(file, state).catch((err: unknown) => {
      logger.warn({ err }, "the health file could not be written");
    });
  };
  every(systemClock, TOUCH_MS, touch);
  void registered.then(() => {
    state = "registered\n";
    touch();
  });
}

if (import.meta.main) {
  const ownLog = keepRecentLines();
  const start = async (config: RunnerConfig, logger: Logger): Promise<Running> => {
    const runner = await startRunner(config, { logger, ownLog });
    await keepAliveFile(join(config.data, "alive"), runner, logger);
    return { ended: runner.ended, close: (again) => runner.close(again ? { drainMs: 0 } : {}) };
  };
  await runProcess("task-runner", runnerConfigSchema, start, ownLog);
}
