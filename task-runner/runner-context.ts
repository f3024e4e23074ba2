// What all attempts of a runner share.

import type { Link } from "./agent-link/agent-link.ts";
import type { ContentCache } from "./artifacts/content-cache.ts";
import type { RunnerConfig } from "./config.ts";
import type { Guard, RunnerDeps } from "./ports.ts";
import type { DiskJournal } from "./state/disk-journal.ts";
import type { ScriptIsolation } from "./workers/job-executor.ts";

export type RunnerContext = {
  readonly config: RunnerConfig;
  readonly deps: RunnerDeps;
  readonly link: Link;
  readonly disk: DiskJournal;
  /** Folder of the site that survives jobs. */
  readonly cache: string;
  readonly content: ContentCache;
  readonly isolation: ScriptIsolation;
  /** PATH of the programs that jobs start. */
  readonly path: string;
  /** Reads the token with which the runner authenticates; it is masked in every log. */
  readonly token: () => Promise<string>;
  /** Processes of a job survived SIGKILL: this machine must not take more work. */
  readonly onSurvivors: () => void;
  readonly guard: Guard;
};

/** The part of the context that exists before the runner is connected. */
export type RunnerBase = Omit<RunnerContext, "link" | "onSurvivors">;
