// A runner and its fake task-agent for one test: opened in their own folder, closed at the end of the test.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type AnyStep, stepBook } from "@gantry/core/step/step.ts";
import { type Clock, systemClock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { keepRecentLines, type RecentLines } from "@gantry/runtime/process/recent-lines.ts";
import { type RunnerConfig, runnerConfigSchema } from "./config.ts";
import { FakeAgent, TOKEN } from "./fake-agent.fixture.ts";
import { openJobExecutor, sandboxProblem, startRunner } from "./main.ts";
import type { FleetTools, Programs } from "./ports.ts";
import { machinePrograms } from "./processes/process-group.ts";
import type { Runner } from "./runner.ts";
import { machineFiles } from "./state/files.ts";
import { inProcessExecutor } from "./workers/in-process-executor.ts";
import type { JobExecutor } from "./workers/job-executor.ts";

export type TestRunner = {
  readonly agent: FakeAgent;
  readonly runner: Runner;
  readonly data: string;
  readonly config: RunnerConfig;
  /** Lines of the runner's own log. */
  readonly lines: string[];
  /** What operators can read. */
  readonly ownLog: RecentLines;
};

export type TestRunnerOptions = {
  readonly config?: object;
  readonly steps?: readonly AnyStep[];
  readonly env?: Readonly<Record<string, string>>;
  /** URL of a module that exports `STEPS`; with it, jobs are executed in worker threads. */
  readonly threads?: string;
  readonly memoryMb?: number;
  readonly clock?: Clock;
  readonly programs?: Programs;
  readonly fleet?: FleetTools;
};

/**
 * Without a sandbox: for tests whose scripts talk to the test by files outside of their workspace, or tell it their process
 * ids.
 */
export function openUnprotectedRunner(t: TestContext, options: TestRunnerOptions = {}): Promise<TestRunner> {
  return openTestRunner(t, { ...options, config: { isolation: "none", ...options.config } });
}

export async function openTestRunner(t: TestContext, options: TestRunnerOptions = {}): Promise<TestRunner> {
  const agent = await new FakeAgent().open();
  const data = await mkdtemp(join(tmpdir(), "gantry-runner-"));
  const config = configOf(agent, data, options.config);
  const lines: string[] = [];
  const logger = linesTo(lines);
  const ownLog = keepRecentLines();
  const { threads, memoryMb, clock, programs, fleet } = options;
  const executor =
    threads === undefined ? undefined : openJobExecutor(logger, { steps: threads, ...(memoryMb ? { memoryMb } : {}) });
  const runner = await startRunner(config, {
    logger,
    ownLog,
    executor: executor ?? executorOf(options),
    ...(clock ? { clock } : {}),
    ...(programs ? { programs } : {}),
    ...(fleet ? { fleet } : {}),
    env: { PATH: process.env.PATH ?? "", ...options.env },
  });
  t.after(async () => {
    await runner.close({ drainMs: 0 }).finally(() => agent.goDown());
    await executor?.close();
    await rm(data, { recursive: true, force: true });
    if (agent.problems.length > 0) throw new Error(`the runner broke the protocol: ${agent.problems.join("; ")}`);
  });
  return { agent, runner, data, config, lines, ownLog };
}

/** Executes jobs in this thread, with the given steps. */
export function executorOf({
  steps = [],
  clock,
  programs,
}: Pick<TestRunnerOptions, "steps" | "clock" | "programs">): JobExecutor {
  return inProcessExecutor({
    fetch,
    clock: clock ?? systemClock,
    random: Math.random,
    files: machineFiles,
    programs: programs ?? machinePrograms,
    steps: stepBook(steps),
  });
}

/** As in the product where the machine can do it, so that scripts of all tests run in the sandbox there. */
const ISOLATION = (await sandboxProblem(process.env.PATH ?? "")) === undefined ? "sandbox" : "none";

export function configOf(agent: FakeAgent, data: string, more: object = {}): RunnerConfig {
  return runnerConfigSchema.parse({
    name: "seoul-1",
    site: "seoul",
    agent: agent.url,
    token: TOKEN,
    data,
    isolation: ISOLATION,
    ...more,
  });
}

function linesTo(lines: string[]): Logger {
  const write = (fields: object, message: string): void => {
    const { err, ...rest } = fields as { err?: unknown };
    lines.push(`${message} ${JSON.stringify(rest)} ${err instanceof Error ? err.message : ""}`);
  };
  return { debug: write, info: write, warn: write, error: write };
}
