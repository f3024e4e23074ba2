// What everything that runs inside one attempt shares. Nothing of it talks to the task-agent or writes the runner's
// journal: that is the supervisor's (attempt.ts), which may be in another thread.

import type { Masker } from "@gantry/core/mask/masker.ts";
import type { StepBook } from "@gantry/core/step/step.ts";
import type { JobRef, JobSpec, StepProgress } from "@gantry/wire/runner/protocol.ts";
import type { Link } from "../agent-link/agent-link.ts";
import type { Permits } from "../attempts/permits.ts";
import type { RunnerConfig } from "../config.ts";
import type { LogSpool } from "../logs/log-spool.ts";
import type { Guard, RunnerDeps } from "../ports.ts";
import type { DiskJournal } from "../state/disk-journal.ts";
import type { Group } from "../state/disk-state.ts";
import type { JobFolders } from "../state/workspace.ts";
import type { JobExecutor } from "../workers/job-executor.ts";
import type { Secrets } from "./secrets.ts";

/** What all attempts of a runner share. */
export type RunnerContext = {
  readonly config: RunnerConfig;
  readonly deps: RunnerDeps;
  readonly link: Link;
  readonly disk: DiskJournal;
  /** They carry the steps out. */
  readonly executor: JobExecutor;
  /** Folder of the site that survives jobs. */
  readonly cache: string;
  /** PATH of the programs that jobs start. */
  readonly path: string;
  /** What the runner shows the task-agent; masked in every log. */
  readonly token: () => Promise<string>;
  /** Processes of a job survived SIGKILL: the machine is not fit for more work. */
  readonly onSurvivors: () => void;
  readonly guard: Guard;
};

/** What the steps of a job can use of their site. */
export type StepEnvironment = {
  readonly config: Pick<RunnerConfig, "name" | "site" | "systems" | "secrets">;
  readonly deps: Pick<RunnerDeps, "fetch" | "clock" | "random" | "logger" | "env" | "files" | "programs">;
  readonly secrets: Secrets;
  readonly steps: StepBook;
  readonly cache: string;
  readonly path: string;
};

export type JobContext = {
  readonly site: StepEnvironment;
  readonly ref: JobRef;
  readonly spec: JobSpec;
  readonly folders: JobFolders;
  readonly masker: Masker;
  readonly tell: (event: StepProgress) => void;
  readonly openLog: (step: string, onBytes: (bytes: Uint8Array) => void) => Promise<LogSpool>;
  readonly permits: Permits;
  /** JobEvents of every process group, so that somebody can end it when this process cannot. */
  readonly onGroup: (group: Group) => void;
  readonly onGroupGone: (pgid: number) => void;
  /** Somebody in the group survived SIGKILL. */
  readonly onSurvivor: (pgid: number) => void;
  /** JobEvents of the time limit of the running step, in ms from its start; undefined when it has ended. */
  readonly onLimit: (limit: StepLimit | undefined) => void;
  /** A step did not stop when it had to, and is left alone: its code may still run. */
  readonly onAbandoned: () => void;
  /** Aborted with a Stopped when the job must stop: cancel, its time limit, the end of its lease. */
  readonly stop: AbortSignal;
  /** Aborted when nothing may be done any more, not even cleaning up: the lease is over. */
  readonly lost: AbortSignal;
};

export type StepLimit = { readonly title: string; readonly ms: number };

export type JobStep = JobSpec["steps"][number];
