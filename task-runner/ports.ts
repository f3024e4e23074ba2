// What the runner takes from the machine, so that the simulator and tests can give it something else.

import { GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
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
  /** Who carries the steps out. Closed by whoever made them. */
  readonly executor: JobExecutor;
  /** Where `{env: NAME}` and PATH are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** Ending the programs of steps, also those that a former process of the runner has left behind. */
export type Programs = {
  /** SIGTERM, up to `graceMs` to end, SIGKILL; false when somebody in the group survived even that. */
  readonly endGroup: (pgid: number, graceMs: number, clock: Clock) => Promise<boolean>;
  /** Ends a process group if it is still that one; false when somebody in it survived. */
  readonly endOldGroup: (group: Group, cookie: string, clock: Clock) => Promise<boolean>;
  /** SIGKILL for every process that carries this setting in its environment; answers how many there were. */
  readonly killByCookie: (cookie: string) => number;
  /** `path`: where its own programs are. */
  readonly openGuard: (deps: { readonly clock: Clock; readonly logger: Logger; readonly path: string }) => Guard;
};

/** Ends the programs of attempts when this process is gone or stands still. */
export type Guard = {
  /** From now on, for the attempt that has this folder. */
  readonly watch: (folder: string) => Watch;
  /** What is still watched is ended. */
  readonly close: () => void;
};

export type Watch = {
  /** So long from now on its programs may run, unless this is called again. */
  readonly limit: (ms: number) => void;
  readonly group: (group: Group) => void;
  readonly groupGone: (pgid: number) => void;
  /** The attempt is over, and its programs are gone. */
  readonly over: () => void;
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

/** One of our own errors whose table entry says that the same again may succeed. */
export function isRetryable(error: unknown): boolean {
  return error instanceof GantryError && "retryable" in error.entry && error.entry.retryable === true;
}

export function isCode(error: unknown, ...codes: readonly GantryError["code"][]): error is GantryError {
  return error instanceof GantryError && codes.includes(error.code);
}
