// A task-runner of the simulation: the real one on a simulated machine.

import { stepBook } from "@gantry/core/step/step.ts";
import { runnerConfigSchema } from "@gantry/task-runner/config.ts";
import type { RunnerDeps } from "@gantry/task-runner/ports.ts";
import { openRunner, type Runner } from "@gantry/task-runner/runner.ts";
import type { JobTools } from "@gantry/task-runner/steps/job-context.ts";
import { inProcessExecutor } from "@gantry/task-runner/workers/in-process-executor.ts";
import type { Invariants } from "../invariants/invariants.ts";
import type { LogInvariants } from "../invariants/log-invariants.ts";
import type { StepObserver } from "../invariants/step-observer.ts";
import { createDisk, type Disk } from "../machine/files.ts";
import { errorLogger } from "../machine/logger.ts";
import type { Network } from "../machine/network.ts";
import { createProcess, type Machine, type Process, type Simulation } from "../machine/process.ts";
import type { RunnerFacts } from "../plan/plan.ts";
import { simStep } from "./sim-step.ts";

export type RunnerHost = {
  readonly name: string;
  readonly machine: Machine;
  readonly disk: Disk;
  readonly process: () => Process | undefined;
  readonly boot: () => void;
  /** Stops it in an orderly way; a new process starts afterwards. */
  readonly replace: (drainMs: number) => void;
  readonly busy: () => number;
  /** Would a new process find the claim with this fence, even after a power cut? */
  readonly hasOnDisk: (fence: number) => boolean;
};

type RunnerHostDeps = {
  readonly simulation: Simulation;
  readonly machine: Machine;
  readonly network: Network;
  readonly invariants: Invariants;
  readonly observer: StepObserver;
  readonly logInvariants: LogInvariants;
};

const RESTART_AFTER_MS = 3_000;
const nothing = (): void => {};
/** Steps of the simulation start no programs. */
const NO_PROGRAMS: RunnerDeps["programs"] = {
  endGroup: async () => true,
  endOldGroup: async () => true,
  killByCookie: () => 0,
  findSandbox: async () => ({ why: "simulated programs need none" }),
  openGuard: () => ({
    watch: () => ({ setLimit: nothing, addGroup: nothing, removeGroup: nothing, close: nothing }),
    close: nothing,
  }),
};

export function createRunnerHost(deps: RunnerHostDeps, { name, site, labels, slots }: RunnerFacts): RunnerHost {
  const { simulation, machine, network, invariants, observer } = deps;
  const { timeline, trace } = simulation;
  const random = simulation.random.fork(name);
  const journal = `/data/${name}/journal.jsonl`;
  const disk = createDisk(random.fork("disk"), (path, bytes, torn) => {
    // When a process dies after creating a log and before recording it, no process delivers that log.
    const isKnown = disk.text(journal).includes(`"${path}"`);
    if (path.includes("/logs/") && isKnown) deps.logInvariants.removed(path, Buffer.from(bytes), torn);
  });
  const config = runnerConfigSchema.parse({
    isolation: "none",
    name,
    site,
    labels,
    slots,
    agent: "http://agent",
    token: `token-of-${site}`,
    data: `/data/${name}`,
    path: "/usr/bin",
  });
  let current: { process: Process; runner?: Runner } | undefined;
  let boots = 0;

  const boot = (): void => {
    if (current?.process.isAlive()) return;
    boots += 1;
    const process = createProcess(simulation, machine, `${name}#${boots}`);
    const mine: typeof current = { process };
    current = mine;
    trace.line(`${process.name} starts`);
    const again = (why: unknown): void => {
      if (!process.isAlive()) return;
      trace.line(`${process.name} ends: ${String(why)}`);
      process.kill();
      timeline.at(timeline.nowMs() + RESTART_AFTER_MS, boot);
    };
    const tools: JobTools = {
      fetch: network.fetchFor(process),
      clock: process.clock,
      random: random.next,
      files: disk.filesFor(process),
      programs: NO_PROGRAMS,
      steps: stepBook([simStep(process, random.fork("steps"), observer)]),
    };
    const logger = errorLogger(invariants, process.name);
    const runnerDeps: RunnerDeps = {
      ...tools,
      executor: inProcessExecutor(tools),
      newId: random.uuid,
      logger,
      env: {},
    };
    openRunner(config, runnerDeps).then((runner) => {
      mine.runner = runner;
      runner.ended.then(() => again("orderly"), again);
    }, again);
  };

  return {
    name,
    machine,
    disk,
    boot,
    process: () => current?.process,
    busy: () => current?.runner?.busy() ?? 0,
    hasOnDisk: (fence) => disk.syncedText(journal).includes(`"fence":${fence}`),
    replace: (drainMs) => {
      const mine = current;
      mine?.process.deliver(() => void mine.runner?.close({ drainMs }));
    },
  };
}
