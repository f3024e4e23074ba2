// Who carries out the steps of jobs. The supervisor (attempt.ts) gives an order and hears what happens; the hands are in
// the same thread (here, for tests and the simulator) or in a worker (workshop.ts).

import { join } from "node:path";
import { createMasker, type Masker } from "@gantry/core/mask/masker.ts";
import type { AnyStep } from "@gantry/core/step/step.ts";
import type { Logger } from "@gantry/wire/http.ts";
import type { JobRef, JobSpec, StepProgress } from "@gantry/wire/protocol.ts";
import type { RunnerConfig } from "./config.ts";
import type { Group, Report } from "./disk-state.ts";
import type { StepLimit } from "./job-context.ts";
import { openSpool } from "./log-spool.ts";
import type { Permits } from "./permits.ts";
import type { RunnerDeps } from "./ports.ts";
import { runJob } from "./run-job.ts";
import { createSecrets } from "./secrets.ts";
import type { JobFolders } from "./workspace.ts";

/** Everything that the hands need for one attempt. Plain data, so that it can go to another thread. */
export type Order = {
  readonly ref: JobRef;
  readonly spec: JobSpec;
  readonly folders: JobFolders;
  readonly config: Pick<RunnerConfig, "name" | "site" | "systems" | "secrets">;
  readonly cache: string;
  readonly path: string;
  /** Masked like every secret. */
  readonly token: string;
  /** Where `{env: NAME}` is read. */
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** How the hands speak to the supervisor. Nothing that they tell holds a secret. */
export type Told = {
  readonly tell: (event: StepProgress) => void;
  /** A log was opened; the answer is to be told when its file has grown, and when it is complete. */
  readonly openLog: (step: string, file: string) => LogGrowth;
  readonly permits: Permits;
  readonly onGroup: (group: Group) => void;
  readonly onGroupGone: (pgid: number) => void;
  readonly onSurvivor: (pgid: number) => void;
  readonly onLimit: (limit: StepLimit | undefined) => void;
  readonly onAbandoned: () => void;
  readonly logger: Logger;
};

export type LogGrowth = (size: number, isClosed: boolean) => void;
export type Signals = { readonly stop: AbortSignal; readonly lost: AbortSignal };
export type JobResult = Omit<Report, "progress">;

export type Hands = {
  /**
   * Carries out one job; several at once. Whatever a step does becomes a result: it rejects only when the hands
   * themselves are at fault. When it resolves, nothing of the job runs any more, unless `onSurvivor` said so.
   */
  readonly run: (order: Order, told: Told, signals: Signals) => Promise<JobResult>;
  /** Ends what waits for work. Orders that run must have ended. */
  readonly close: () => Promise<void>;
};

export type Tools = Pick<RunnerDeps, "fetch" | "clock" | "random" | "files" | "programs"> & {
  readonly steps: readonly AnyStep[];
};

/** Hands in this thread: a step that blocks it blocks everything. */
export function handsHere(tools: Tools): Hands {
  return { run: (order, told, signals) => performJob(tools, order, told, signals), close: async () => {} };
}

/** `masker` learns every secret of the job. */
export function performJob(
  tools: Tools,
  order: Order,
  told: Told,
  { stop, lost }: Signals,
  masker: Masker = createMasker(),
): Promise<JobResult> {
  const { ref, spec, folders, config, cache, path, env } = order;
  const { logger } = told;
  masker.add(order.token);
  const steps = new Map(tools.steps.map((step) => [step.name, step]));
  return runJob({
    site: { config, deps: { ...tools, env, logger }, secrets: createSecrets(config, env), steps, cache, path },
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
