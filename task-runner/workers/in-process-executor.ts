// Carries out the steps of one job in this thread. All that only steps need is behind this file: the supervisor of a
// runner does not load it.

import { join } from "node:path";
import { createMasker, type Masker } from "@gantry/core/mask/masker.ts";
import type { StepBook } from "@gantry/core/step/step.ts";
import { openSpool } from "../logs/log-spool.ts";
import type { RunnerDeps } from "../ports.ts";
import { runJob } from "../steps/run-job.ts";
import { createSecrets } from "../steps/secrets.ts";
import type { JobEvents, JobExecutor, JobRequest, JobResult, Signals } from "./job-executor.ts";

export type Tools = Pick<RunnerDeps, "fetch" | "clock" | "random" | "files" | "programs"> & {
  readonly steps: StepBook;
};

/** JobExecutor in this thread: a step that blocks it blocks everything. */
export function inProcessExecutor(tools: Tools): JobExecutor {
  return { run: (order, told, signals) => performJob(tools, order, told, signals), close: async () => {} };
}

/** `masker` learns every secret of the job. */
export function performJob(
  tools: Tools,
  order: JobRequest,
  told: JobEvents,
  { stop, lost }: Signals,
  masker: Masker = createMasker(),
): Promise<JobResult> {
  const { ref, spec, folders, config, cache, path, env } = order;
  const { logger } = told;
  masker.add(order.token);
  return runJob({
    site: {
      config,
      deps: { ...tools, env, logger },
      secrets: createSecrets(config, env),
      steps: tools.steps,
      cache,
      path,
    },
    ref,
    spec,
    folders,
    masker,
    tell: told.tell,
    openLog: async (step, onBytes) => {
      const file = join(folders.logs, `${spec.steps.findIndex((one) => one.id === step) + 1}.log`);
      let grown = (): void => {};
      const spool = await openSpool({ files: tools.files, file, masker, logger, onGrowth: () => grown(), onBytes });
      const growth = told.openLog(step, file);
      grown = () => growth(spool.size(), spool.closed());
      return spool;
    },
    permits: told.permits,
    onGroup: told.onGroup,
    onGroupGone: told.onGroupGone,
    onSurvivor: told.onSurvivor,
    onLimit: told.onLimit,
    onAbandoned: told.onAbandoned,
    stop,
    lost,
  });
}
