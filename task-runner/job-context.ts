// What everything that runs inside one attempt shares.

import type { Masker } from "@gantry/core/mask/masker.ts";
import type { AnyStep } from "@gantry/core/step/step.ts";
import type { JobRef, JobSpec, StepProgress } from "@gantry/wire/protocol.ts";
import type { RunnerConfig } from "./config.ts";
import type { DiskJournal } from "./disk-journal.ts";
import type { Link } from "./link.ts";
import type { LogSpool } from "./log-spool.ts";
import type { RunnerDeps } from "./ports.ts";
import type { Secrets } from "./secrets.ts";
import type { JobFolders } from "./workspace.ts";

/** What all attempts of a runner share. */
export type Site = {
  readonly config: RunnerConfig;
  readonly deps: RunnerDeps;
  readonly link: Link;
  readonly disk: DiskJournal;
  readonly secrets: Secrets;
  readonly steps: ReadonlyMap<string, AnyStep>;
  /** Folder of the site that survives jobs. */
  readonly cache: string;
  /** PATH of the programs that jobs start. */
  readonly path: string;
  /** What the runner shows the task-agent; masked in every log. */
  readonly token: () => Promise<string>;
};

export type JobContext = {
  readonly site: Site;
  readonly ref: JobRef;
  readonly spec: JobSpec;
  readonly folders: JobFolders;
  readonly masker: Masker;
  readonly tell: (event: StepProgress) => void;
  readonly openLog: (step: string, onBytes: (bytes: Uint8Array) => void) => Promise<LogSpool>;
  /** Aborted with a Stopped when the job must stop: cancel, its time limit, the end of its lease. */
  readonly stop: AbortSignal;
  /** Aborted when nothing may be done any more, not even cleaning up: the lease is over. */
  readonly lost: AbortSignal;
  readonly onLost: () => void;
};

export type JobStep = JobSpec["steps"][number];
