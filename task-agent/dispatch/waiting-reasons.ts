// Records in the history of a task why its ready job waits.

import { decideWaiting } from "@gantry/core/task/decide-task.ts";
import type { Tasks } from "../tasks/tasks.ts";
import type { ReadyJob } from "./ready-jobs.ts";

/** `until`: when it ends by itself, ms since 1970. */
export type WaitingReason = { readonly code: string; readonly text: string; readonly until?: number };

/**
 * This many reasons are committed together. One commit each would keep the disk busy for seconds when a thousand jobs wait.
 */
const BATCH = 50;

/** For one pass over a queue. */
export class WaitingReasons {
  readonly #tasks: Pick<Tasks, "change">;
  readonly #onError: (error: unknown, what: string) => void;
  readonly #pending: Promise<void>[] = [];

  constructor(tasks: Pick<Tasks, "change">, onError: (error: unknown, what: string) => void) {
    this.#tasks = tasks;
    this.#onError = onError;
  }

  /** Starts a commit; waits for all pending ones when a batch is full. Never rejects. */
  async add(ready: ReadyJob, reason: WaitingReason): Promise<void> {
    this.#pending.push(this.#commit(ready, reason));
    if (this.#pending.length === BATCH) await Promise.all(this.#pending.splice(0));
  }

  /** Resolves when all pending commits have ended. */
  async flush(): Promise<void> {
    await Promise.all(this.#pending);
  }

  async #commit({ task, job }: ReadyJob, reason: WaitingReason): Promise<void> {
    try {
      await this.#tasks.change(task, ({ state }, now) => decideWaiting(state, { ...reason, job }, now));
    } catch (error) {
      // A failure must not delay the other jobs of the queue.
      this.#onError(error, `saving why job ${job} of task ${task} waits`);
    }
  }
}
