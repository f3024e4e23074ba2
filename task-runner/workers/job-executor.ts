// The port through which a runner has the steps of a job executed: in a worker thread (worker-pool.ts), or in the calling
// thread (in-process-executor.ts, for tests and the simulator).

import type { ArtifactFile } from "@gantry/core/artifact/artifact.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { EffectPermit, JobRef, JobSpec, StepProgress, Told } from "@gantry/wire/runner/protocol.ts";
import type { Moment } from "../attempts/moment.ts";
import type { RunnerConfig } from "../config.ts";
import type { SandboxHost } from "../processes/sandbox-arguments.ts";
import type { Group, Report } from "../state/disk-state.ts";
import type { JobFolders } from "../state/workspace.ts";
import type { WireObject } from "../steps/clip.ts";

/** Everything that is needed to execute one attempt of a job. Plain data, so that it can be sent to another thread. */
export type JobRequest = {
  readonly ref: JobRef;
  readonly spec: JobSpec;
  readonly folders: JobFolders;
  readonly config: Pick<
    RunnerConfig,
    "name" | "site" | "runs" | "sandbox" | "scriptEnv" | "systems" | "secrets" | "shared" | "limits" | "outbound"
  >;
  readonly cache: string;
  /** Content of artifacts by digest; see artifacts/content-folder.ts. */
  readonly content: string;
  readonly path: string;
  readonly isolation: ScriptIsolation;
  /** The runner's own token; it is masked like every secret. */
  readonly token: string;
  /** The environment in which `{env: NAME}` is looked up. */
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** How the scripts of a job are isolated. */
export type ScriptIsolation =
  | { readonly kind: "none" }
  | { readonly kind: "sandbox"; readonly host: SandboxHost; readonly network: "full" | "none" }
  /** No script may run. `why` is for people. */
  | { readonly kind: "refused"; readonly why: string };

/**
 * What happens while a job is executed, in order. Plain data without secrets, so that it can be sent to another thread.
 */
export type JobEvent =
  | { readonly kind: "progress"; readonly progress: StepProgress }
  /** The log of a step was created. `file` is its absolute path. */
  | { readonly kind: "log-opened"; readonly step: string; readonly file: string }
  /** The log file of a step now has `size` bytes. `isClosed`: the log is complete. */
  | { readonly kind: "log-grown"; readonly step: string; readonly size: number; readonly isClosed: boolean }
  /** How far the running step is, as its script says. */
  | ({ readonly kind: "step-told" } & Told)
  /** A program was started. The group is recorded so that it can be ended when the executing thread cannot do it. */
  | { readonly kind: "group-started"; readonly group: Group }
  | { readonly kind: "group-ended"; readonly pgid: number }
  /** Processes of this group survived SIGKILL. */
  | { readonly kind: "group-survived"; readonly pgid: number }
  /** The time limit of the running step; undefined when the step has ended. */
  | { readonly kind: "step-limit"; readonly limit: StepLimit | undefined }
  /** A step did not stop in time and was abandoned: its code may still run. */
  | { readonly kind: "step-abandoned" }
  /** A line for the runner's own log. */
  | { readonly kind: "runner-log"; readonly level: LogLevel; readonly fields: object; readonly text: string };

/** `ms` counts from the start of the step. */
export type StepLimit = { readonly title: string; readonly ms: number };
export type LogLevel = "debug" | "info" | "warn" | "error";

/** A change to an outside system that a step wants to make. */
export type EffectRequest = {
  readonly step: string;
  readonly effect: string;
  readonly ordinal: number;
  readonly what: string;
};

/**
 * `localResult`: this runner has made the change itself and could not report it. `until`: the change must not begin later,
 * because the lease may be over. After a suspend, a process may read the permit before its timers detect how late it is.
 */
export type Permit = EffectPermit & { readonly localResult?: JsonObject; readonly until: Moment };

export type Permits = {
  /** Waits while the task-agent is unreachable. Throws `lease-lost`, and the signal's reason. */
  readonly begin: (request: EffectRequest, signal: AbortSignal) => Promise<Permit>;
  /** The change was made. Resolves when its result is on disk and the task-agent has it. */
  readonly end: (key: string, result: WireObject) => Promise<void>;
};

export type SaveRequest = { readonly name: string; readonly keepMs: number; readonly files: readonly ArtifactFile[] };
export type TakeRequest = { readonly job: string; readonly name?: string | undefined };
export type TakenFiles = { readonly job: string; readonly name: string; readonly files: readonly ArtifactFile[] };

/** Both wait while the task-agent is unreachable. They throw what their routes declare, and the signal's reason. */
export type ArtifactCalls = {
  /** The content of the files must be in the content folder. Resolves when the artifact is saved. */
  readonly save: (artifact: SaveRequest, signal: AbortSignal) => Promise<void>;
  /** When it resolves, the content of all files is in the content folder. */
  readonly take: (wanted: TakeRequest, signal: AbortSignal) => Promise<readonly TakenFiles[]>;
};

/** How a running job and its attempt reach each other. */
export type JobControl = {
  readonly emit: (event: JobEvent) => void;
  readonly permits: Permits;
  readonly artifacts: ArtifactCalls;
  /** Aborted with a Stopped when the job must stop: canceled, time limit, end of the lease. Cleanup steps may still run. */
  readonly stop: AbortSignal;
  /** Aborted with a Stopped when nothing may run any more, not even cleanup steps: the lease is over. */
  readonly lost: AbortSignal;
};

export type JobResult = Omit<Report, "progress">;

export type JobExecutor = {
  /**
   * Executes one job; several may run at once. Failures of steps are part of the result: the promise rejects only when the
   * executor itself fails. When it settles, nothing of the job runs any more, unless `group-survived` or `step-abandoned`
   * was emitted.
   */
  readonly run: (request: JobRequest, control: JobControl) => Promise<JobResult>;
  /** Ends idle threads. All runs must have ended. */
  readonly close: () => Promise<void>;
};
