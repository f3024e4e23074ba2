// What the runner needs from the machine. The simulator and tests provide other implementations.

import type { watchApplications } from "@gantry/connectors/argo-cd/watch.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { RecentLines } from "@gantry/runtime/process/recent-lines.ts";
import type { SandboxHost } from "./processes/sandbox-arguments.ts";
import type { Group } from "./state/disk-state.ts";
import type { Files } from "./state/files.ts";
import type { JobExecutor } from "./workers/job-executor.ts";

export type RunnerDeps = {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  /** 0 ≤ n < 1, for jitter only. */
  readonly random: () => number;
  /** A random UUID. */
  readonly newId: () => string;
  readonly files: Files;
  readonly programs: Programs;
  readonly logger: Logger;
  /** What the logger wrote, so that operators can read it. Absent: they cannot. */
  readonly ownLog?: RecentLines;
  /** Executes jobs. It is closed by the code that created it. */
  readonly executor: JobExecutor;
  /** How Argo CDs of the site are watched. Absent: they are not. */
  readonly fleet?: FleetTools;
  /** The environment in which `{env: NAME}` and PATH are looked up. */
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** How an Argo CD is watched, and with which network. */
export type FleetTools = { readonly fetch: typeof fetch; readonly watchApplications: typeof watchApplications };

/** Ends the programs of steps, also those of a previous process of the runner. */
export type Programs = {
  /** Sends SIGTERM, waits up to `graceMs`, sends SIGKILL. Returns false when a process of the group survived SIGKILL. */
  readonly endGroup: (pgid: number, graceMs: number, clock: Clock) => Promise<boolean>;
  /** Ends a process group of a previous process, unless its number was reused. Returns false when a process survived. */
  readonly endOldGroup: (group: Group, cookie: string, clock: Clock) => Promise<boolean>;
  /** Sends SIGKILL to every process with this variable in its environment. Returns their number. */
  readonly killByCookie: (cookie: string) => number;
  readonly findSandbox: FindSandbox;
  /** `path`: PATH of the guard's own programs. */
  readonly openGuard: (deps: { readonly clock: Clock; readonly logger: Logger; readonly path: string }) => Guard;
};

/** Whether scripts can run in a sandbox here, and what the sandbox shows of the machine; or `why` not, for people. */
export type FindSandbox = (wanted: {
  /** Folder for files that the runner creates for sandboxes, such as their /etc. Its content is replaced. */
  readonly folder: string;
  /** PATH of the programs of jobs. */
  readonly path: string;
  /** Further folders that scripts may read, such as toolchains outside of /usr. */
  readonly readOnly: readonly string[];
  /** The runner's folder and its files with secrets. There is no sandbox if scripts could read one of them. */
  readonly hidden: readonly string[];
}) => Promise<SandboxHost | { readonly why: string }>;

/** Ends the programs of attempts when this process has died or is suspended. */
export type Guard = {
  /** Begins to watch the attempt that has this folder. */
  readonly watch: (folder: string) => Watch;
  /** Ends the programs of all attempts that are still watched. */
  readonly close: () => void;
};

export type Watch = {
  /** The programs of the attempt may run for `ms` from now on. Each call replaces the limit. */
  readonly setLimit: (ms: number) => void;
  readonly addGroup: (group: Group) => void;
  readonly removeGroup: (pgid: number) => void;
  /** The attempt is over, and its programs have ended. */
  readonly close: () => void;
};

/** Like `promise`, but rejects with the signal's reason as soon as it is aborted. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(signal.reason);
    if (signal.aborted) aborted();
    signal.addEventListener("abort", aborted, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
  });
}

/** A GantryError whose table entry says that the same call may succeed later. */
export function isRetryable(error: unknown): boolean {
  return error instanceof GantryError && "retryable" in error.entry && error.entry.retryable === true;
}

export function isCode(error: unknown, ...codes: readonly GantryError["code"][]): error is GantryError {
  return error instanceof GantryError && codes.includes(error.code);
}
