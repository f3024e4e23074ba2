// Who carries out the steps of jobs. The supervisor (attempt.ts) gives an order and hears what happens; the hands are in
// a worker (workshop.ts), or in the same thread (perform-job.ts, for tests and the simulator).

import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { JobRef, JobSpec, StepProgress } from "@gantry/wire/runner/protocol.ts";
import type { Permits } from "../attempts/permits.ts";
import type { RunnerConfig } from "../config.ts";
import type { Group, Report } from "../state/disk-state.ts";
import type { JobFolders } from "../state/workspace.ts";
import type { StepLimit } from "../steps/job-context.ts";

/** Everything that the hands need for one attempt. Plain data, so that it can go to another thread. */
export type JobRequest = {
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
export type JobEvents = {
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

export type JobExecutor = {
  /**
   * Carries out one job; several at once. Whatever a step does becomes a result: it rejects only when the hands
   * themselves are at fault. When it resolves, nothing of the job runs any more, unless `onSurvivor` said so.
   */
  readonly run: (order: JobRequest, told: JobEvents, signals: Signals) => Promise<JobResult>;
  /** Ends what waits for work. Orders that run must have ended. */
  readonly close: () => Promise<void>;
};
